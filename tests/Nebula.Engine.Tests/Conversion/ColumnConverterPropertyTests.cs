using System.Globalization;
using System.Numerics;
using Nebula.Engine.Columns;
using Nebula.Engine.Conversion;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;
using Nebula.Engine.Tests.Storage;

namespace Nebula.Engine.Tests.Conversion;

/// <summary>Conversions against plain arithmetic on big integers, and against themselves.</summary>
public sealed class ColumnConverterPropertyTests
{
    private const int Seed = 20_260_318;

    private static readonly DataType[] ExactTypes =
    [
        DataType.Int8, DataType.Int16, DataType.Int32, DataType.Int64, DataType.UInt8, DataType.UInt16, DataType.UInt32, DataType.UInt64,
        DataType.Decimal(1, 0), DataType.Decimal(9, 2), DataType.Decimal(18, 0), DataType.Decimal(18, 18), DataType.Decimal(19, 0), DataType.Decimal(38, 10),
            DataType.Decimal(38, 38),
    ];

    [Fact]
    public void ExactNumbers_AnyPair_AreAsBigIntegersSay()
    {
        using var pool = new BufferPool();
        var random = new Random(Seed);
        foreach (var from in ExactTypes)
            foreach (var to in ExactTypes)
            {
                var values = Enumerable.Range(0, 300).Select(_ => RandomExact(random, from)).ToArray();
                foreach (var allowsLoss in (bool[])[false, true])
                    Check(pool, from, to, allowsLoss, [.. values.Select(value => Box(from, value))], i => Rescale(values[i], from.Scale, to));
            }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void ExactNumbers_ToFloats_AreTheNearest()
    {
        using var pool = new BufferPool();
        var random = new Random(Seed);
        foreach (var from in ExactTypes)
            foreach (var to in (DataType[])[DataType.Float32, DataType.Float64])
            {
                var values = Enumerable.Range(0, 300).Select(_ => RandomExact(random, from)).ToArray();
                foreach (var allowsLoss in (bool[])[false, true])
                    Check(pool, from, to, allowsLoss, [.. values.Select(value => Box(from, value))], i =>
                    {
                        var text = $"{values[i].ToString(CultureInfo.InvariantCulture)}e-{from.Scale}";
                        var single = float.Parse(text, CultureInfo.InvariantCulture);
                        var number = to.Kind == TypeKind.Float32 ? single : double.Parse(text, CultureInfo.InvariantCulture);
                        // integers are kept when the float is the same number, decimals when it is written as the same number
                        var (digits, exponent) = from.Kind == TypeKind.Decimal
                            ? Take(to.Kind == TypeKind.Float32
                                ? single.ToString("R", CultureInfo.InvariantCulture) : number.ToString("R", CultureInfo.InvariantCulture))
                            : (new BigInteger(number), 0);
                        return (number, Same(digits, exponent, values[i], -from.Scale) ? null : ValueFault.Loses);
                    });
            }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Floats_ToExactNumbers_AreTheNearest()
    {
        using var pool = new BufferPool();
        var random = new Random(Seed);
        foreach (var from in (DataType[])[DataType.Float32, DataType.Float64])
            foreach (var to in ExactTypes)
            {
                var values = Enumerable.Range(0, 400).Select(_ => RandomFloat(random, from)).ToArray();
                foreach (var allowsLoss in (bool[])[false, true])
                    Check(pool, from, to, allowsLoss, [.. values.Select(static value => (object)value)], i =>
                    {
                        if (!double.IsFinite(values[i]))
                            return (null, ValueFault.DoesNotFit);
                        var text = from.Kind == TypeKind.Float32
                            ? ((float)values[i]).ToString("R", CultureInfo.InvariantCulture) : values[i].ToString("R", CultureInfo.InvariantCulture);
                        if (to.Kind == TypeKind.Decimal)
                        {
                            var (digits, exponent) = Take(text);
                            return exponent < 0 ? Rescale(digits, -exponent, to) : Rescale(digits * BigInteger.Pow(10, exponent), 0, to);
                        }
                        // integers go by the exact value: it is a whole number or has halves and smaller, a multiple of 2^-1074
                        var scaled = new BigInteger(Math.Truncate(values[i])) * 2 + new BigInteger(Math.Truncate((values[i] - Math.Truncate(values[i])) * 2));
                        var rounded = (BigInteger.Abs(scaled) + 1) / 2 * scaled.Sign;
                        return Fits(rounded, to)
                            ? (Box(to, rounded), values[i] == Math.Truncate(values[i]) ? null : ValueFault.Loses) : (null, ValueFault.DoesNotFit);
                    });
            }
        Assert.Equal(0, pool.Outstanding);
    }

    /// <summary>What the table says of a pair holds for its values: what is widened comes back as it was, and never is a value refused.</summary>
    [Fact]
    public void AnyPair_Widened_ComesBack()
    {
        using var pool = new BufferPool();
        var random = new Random(Seed);
        foreach (var from in RandomColumns.Types)
            foreach (var to in RandomColumns.Types)
            {
                if (ConversionTable.Of(from, to).Fidelity != Fidelity.Widened || from.Kind == TypeKind.Date
                    || (from.Kind, to.Kind) == (TypeKind.Time, TypeKind.Time))
                    continue;
                using var source = RandomColumns.Column(pool, from, 200, 0.2, random);
                var faults = new ValueFaults();
                using var converted = ColumnConverter.Create(from, to, false)!.Convert(source, pool, faults);
                TestColumns.AssertConsistent(converted, 200);
                Assert.True(faults.Items.Count == 0, $"seed {Seed}: {from} to {to} refuses {faults.Items.Count} rows");
                if (from.IsNested || to.Kind == TypeKind.Json || ColumnConverter.Create(to, from, false) is not { } back || IsApproximate(from, to)
                    || !IsCanonical(from))
                    continue;
                using var again = back.Convert(converted, pool, faults);
                Assert.True(faults.Items.Count == 0, $"seed {Seed}: {to} back to {from} refuses {faults.Items.Count} rows");
                ColumnAssert.EqualRange(source, 0, again, 0, 200, $"seed {Seed}: {from} to {to}");
            }
        Assert.Equal(0, pool.Outstanding);
    }

    /// <summary>Under refusal nothing changes unseen: what passes is the same value when it is converted back.</summary>
    [Fact]
    public void AnyPair_Strict_KeepsValuesOrReportsThem()
    {
        using var pool = new BufferPool();
        var random = new Random(Seed);
        foreach (var from in RandomColumns.Types)
            foreach (var to in RandomColumns.Types)
            {
                if (ColumnConverter.Create(from, to, false) is not { } converter || ColumnConverter.Create(to, from, true) is not { } back || from.IsNested
                    || to.Kind == TypeKind.Json)
                    continue;
                using var source = RandomColumns.Column(pool, from, 200, 0.2, random);
                var faults = new ValueFaults();
                using var converted = converter.Convert(source, pool, faults);
                using var again = back.Convert(converted, pool, new ValueFaults());
                TestColumns.AssertConsistent(converted, 200);
                Assert.Equal(source.NullCount + faults.Items.Count, converted.NullCount);
                if (IsApproximate(from, to) || !IsCanonical(from))
                    continue;
                for (var i = 0; i < 200; i++)
                    if (!converted.IsNull(i))
                        ColumnAssert.EqualRange(source, i, again, i, 1, $"seed {Seed}: {from} to {to}");
            }
        Assert.Equal(0, pool.Outstanding);
    }

    /// <summary>Payloads of NaN and the sign of zero are no part of a number's text.</summary>
    private static bool IsApproximate(DataType from, DataType to) =>
        from.Kind is TypeKind.Float32 or TypeKind.Float64 || (to.Kind is TypeKind.Float32 or TypeKind.Float64
            && from.Kind is TypeKind.String or TypeKind.Decimal);

    /// <summary>Whether text and numbers say all there is: decimals and times of random bits do not.</summary>
    private static bool IsCanonical(DataType type) =>
        type.Kind is not (TypeKind.Decimal or TypeKind.Time or TypeKind.String or TypeKind.Json or TypeKind.Binary or TypeKind.Timestamp or TypeKind.Date);

    private static void Check(BufferPool pool, DataType from, DataType to, bool allowsLoss, object?[] values,
        Func<int, (object? Value, ValueFault? Fault)> expect)
    {
        for (var i = 0; i < values.Length; i += 7)
            values[i] = null;
        using var source = TestColumns.Make(pool, from, values);
        var faults = new ValueFaults();
        using var converted = ColumnConverter.Create(from, to, allowsLoss)!.Convert(source, pool, faults);
        TestColumns.AssertConsistent(converted, values.Length);
        var found = faults.Items.ToDictionary(static item => item.Row, static item => item.Fault);
        for (var i = 0; i < values.Length; i++)
        {
            var where = $"seed {Seed}: {from} {values[i]} to {to}";
            if (values[i] is null)
            {
                Assert.True(converted.IsNull(i) && !found.ContainsKey(i), where);
                continue;
            }
            var (value, fault) = expect(i);
            if (allowsLoss && fault == ValueFault.Loses)
                fault = null;
            Assert.True(fault == (found.TryGetValue(i, out var actual) ? actual : null), $"{where}: expected {fault?.ToString() ?? "no fault"}");
            Assert.True(fault is not null ? converted.IsNull(i) : Equals(value, TestColumns.Read(converted, i)),
                $"{where}: {TestColumns.Read(converted, i)} instead of {value}");
        }
    }

    private static (object? Value, ValueFault? Fault) Rescale(BigInteger value, int scale, DataType to)
    {
        var exact = value * BigInteger.Pow(10, Math.Max(to.Scale - scale, 0));
        var divisor = BigInteger.Pow(10, Math.Max(scale - to.Scale, 0));
        var rounded = (BigInteger.Abs(exact) * 2 + divisor) / (divisor * 2) * exact.Sign;
        return Fits(rounded, to) ? (Box(to, rounded), rounded * divisor == exact ? null : ValueFault.Loses) : (null, ValueFault.DoesNotFit);
    }

    private static bool Fits(BigInteger value, DataType type) => type.Kind switch
    {
        TypeKind.Decimal => BigInteger.Abs(value) < BigInteger.Pow(10, type.Precision),
        >= TypeKind.UInt8 => value >= 0 && value < BigInteger.One << (8 * type.ByteWidth),
        _ => value >= -(BigInteger.One << (8 * type.ByteWidth - 1)) && value < BigInteger.One << (8 * type.ByteWidth - 1),
    };

    /// <summary>A value as <see cref="TestColumns"/> takes it.</summary>
    private static object Box(DataType type, BigInteger value) => (type.Kind == TypeKind.UInt64 || type.ByteWidth == 16) switch
    {
        true => (object)(Int128)value,
        false => (object)(long)value,
    };

    private static BigInteger RandomExact(Random random, DataType type)
    {
        while (true)
        {
            BigInteger value = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
            if (random.Next(3) == 0)
                value *= BigInteger.Pow(10, random.Next(20));
            if (random.Next(4) == 0)
                value += random.Next(-1, 2) + (BigInteger.One << random.Next(65));
            if (type.Kind == TypeKind.Decimal)
                value %= BigInteger.Pow(10, type.Precision);
            if (type.Kind is >= TypeKind.UInt8 and <= TypeKind.UInt64)
                value = BigInteger.Abs(value);
            if (type.IsInteger)
                value >>= random.Next(8 * (8 - type.ByteWidth) + 1);
            if (Fits(value, type))
                return value;
        }
    }

    private static double RandomFloat(Random random, DataType type)
    {
        var bits = random.NextInt64(long.MinValue, long.MaxValue);
        var value = random.Next(6) switch
        {
            0 => BitConverter.Int64BitsToDouble(bits),
            1 => (bits >> random.Next(64)) / 100.0,
            2 => (bits >> random.Next(64)) / 2.0,
            3 => Math.Pow(2, random.Next(-5, 66)) * (random.Next(2) == 0 ? 1 : -1),
            4 => Math.BitDecrement(Math.Pow(2, random.Next(5, 66))),
            _ => random.Next(-300, 300) / 10.0,
        };
        return type.Kind == TypeKind.Float32 ? (float)value : value;
    }

    /// <summary>The digits of a number and the power of ten of the last one.</summary>
    private static (BigInteger Digits, int Exponent) Take(string text)
    {
        var parts = text.Split('E');
        var point = parts[0].IndexOf('.', StringComparison.Ordinal);
        var exponent = (parts.Length > 1
            ? int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0) - (point < 0 ? 0 : parts[0].Length - point - 1);
        return (BigInteger.Parse(parts[0].Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture), exponent);
    }

    private static bool Same(BigInteger a, int exponentA, BigInteger b, int exponentB) =>
        a * BigInteger.Pow(10, Math.Max(exponentA - exponentB, 0)) == b * BigInteger.Pow(10, Math.Max(exponentB - exponentA, 0));
}
