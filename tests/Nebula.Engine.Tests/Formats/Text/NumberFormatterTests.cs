using System.Globalization;
using System.Numerics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Tests.Formats.Text;

public sealed unsafe class NumberFormatterTests
{
    public static TheoryData<ulong> Boundaries
    {
        get
        {
            var data = new TheoryData<ulong>();
            ulong power = 1;
            for (var i = 0; i < 20; i++, power *= 10)
            {
                data.Add(power);
                data.Add(power - 1);
                data.Add(power + 1);
            }
            data.Add(ulong.MaxValue);
            return data;
        }
    }

    [Theory, MemberData(nameof(Boundaries))]
    public void Digits_Boundaries_AreWrittenAndReadBack(ulong value)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(text.Length, Digits.Count(value));
        Assert.Equal(text, PaddedText.Format(p => Digits.Write(p, value)));
        Assert.Equal(text.PadLeft(20, '0'), PaddedText.Format(p => { Digits.WritePadded(p, value, 20); return p + 20; }));
        Assert.Equal(((long)value).ToString(CultureInfo.InvariantCulture), PaddedText.Format(p => Digits.Write(p, (long)value)));
        if (text.Length < 20)
            Assert.Equal(value, PaddedText.Parse(text, static (p, length) => Digits.TryRead(p, length, out var read) ? read : (ulong?)null));
    }

    [Theory]
    [InlineData(0, 0, "0")]
    [InlineData(0, 2, "0.00")]
    [InlineData(-1, 2, "-0.01")]
    [InlineData(150, 2, "1.50")]
    [InlineData(-1230, 3, "-1.230")]
    [InlineData(1, 18, "0.000000000000000001")]
    [InlineData(long.MinValue, 0, "-9223372036854775808")]
    [InlineData(long.MinValue, 2, "-92233720368547758.08")]
    [InlineData(long.MinValue, 18, "-9.223372036854775808")]
    public void WriteDecimal_Table(long unscaled, int scale, string expected)
    {
        Assert.Equal(expected, PaddedText.Format(p => NumberFormatter.WriteDecimal(p, unscaled, scale)));
        Assert.Equal(expected, PaddedText.Format(p => NumberFormatter.WriteDecimal(p, (Int128)unscaled, scale)));
    }

    [Fact]
    public void WriteDecimal_LeastAndGreatest_AreWhole()
    {
        Assert.Equal("170141183460469231731687303715884105727", PaddedText.Format(static p => NumberFormatter.WriteDecimal(p, Int128.MaxValue, 0)));
        Assert.Equal("-1.70141183460469231731687303715884105728", PaddedText.Format(static p => NumberFormatter.WriteDecimal(p, Int128.MinValue, 38)));
        Assert.Equal("-1701411834604692317316.87303715884105728", PaddedText.Format(static p => NumberFormatter.WriteDecimal(p, Int128.MinValue, 17)));
        Assert.Equal("18446744073709551616", PaddedText.Format(static p => NumberFormatter.WriteDecimal(p, (Int128)ulong.MaxValue + 1, 0)));
        Assert.Equal("0.00000000000000000000000000000000000001", PaddedText.Format(static p => NumberFormatter.WriteDecimal(p, Int128.One, 38)));
        Assert.Equal("0.1000000000000000000", PaddedText.Format(static p => NumberFormatter.WriteDecimal(p, (Int128)1_000_000_000_000_000_000, 19)));
    }

    [Fact]
    public void WriteDecimal_AnyValue_IsReadBack()
    {
        const int seed = 21;
        var random = new Random(seed);
        for (var round = 0; round < 30_000; round++)
        {
            var digits = random.Next(1, 39);
            var scale = random.Next(0, digits + 1);
            var value = (Int128)(BigInteger.Parse(new string([.. Enumerable.Range(0, digits).Select(_ => (char)('0' + random.Next(10)))]),
                CultureInfo.InvariantCulture) * (random.Next(2) == 0 ? 1 : -1));
            var text = PaddedText.Format(p => NumberFormatter.WriteDecimal(p, value, scale));
            Assert.True(text.Length <= NumberFormatter.MaxLength);
            Assert.True(value == PaddedText.Parse(text, (p, length) => NumberParser.TryParseDecimal128(p, length, 38, scale, out var read)
                ? read : (Int128?)null), $"seed {seed}: {text}");
            if (digits <= 18)
                Assert.Equal(text, PaddedText.Format(p => NumberFormatter.WriteDecimal(p, (long)value, scale)));
        }
    }

    [Theory]
    [InlineData(0.0, "0.0")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(1.0, "1.0")]
    [InlineData(100.0, "100.0")]
    [InlineData(0.1, "0.1")]
    [InlineData(1.5, "1.5")]
    [InlineData(123456.789, "123456.789")]
    [InlineData(999999999999999.0, "999999999999999.0")]
    [InlineData(0.30000000000000004, "0.30000000000000004")]
    public void WriteDouble_Table(double value, string expected)
    {
        for (var start = 0; start <= 15; start++)
        {
            var places = start;
            Assert.Equal(expected, PaddedText.Format(p => NumberFormatter.WriteDouble(p, value, ref places)));
        }
    }

    [Fact]
    public void WriteDouble_AnyValue_IsShortestAndReadBackBitByBit()
    {
        const int seed = 22;
        var random = new Random(seed);
        var places = 0;
        for (var round = 0; round < 200_000; round++)
        {
            var value = random.Next(4) switch
            {
                0 => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)),
                1 => random.NextInt64(-1_000_000_000, 1_000_000_000) / Math.Pow(10, random.Next(0, 12)),
                2 => random.NextInt64(),
                _ => Math.BitIncrement(random.Next(100_000) / 100.0),
            };
            if (!double.IsFinite(value))
                continue;
            var text = PaddedText.Format(p => NumberFormatter.WriteDouble(p, value, ref places));
            Assert.True(BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)) == BitConverter.DoubleToInt64Bits(value),
                $"seed {seed}: {value:R} became {text}");
            Assert.True(Significant(text) <= Significant(value.ToString("R", CultureInfo.InvariantCulture)), $"seed {seed}: {value:R} became {text}");
            var read = PaddedText.Parse(text, static (p, length) => NumberParser.TryParseExactDouble(p, length, out var back) ? back : double.NaN);
            Assert.True(BitConverter.DoubleToInt64Bits(read) == BitConverter.DoubleToInt64Bits(value), $"seed {seed}: {text} was read as {read:R}");
        }
    }

    [Fact]
    public void WriteSingle_AnyValue_IsReadBack()
    {
        const int seed = 23;
        var random = new Random(seed);
        for (var round = 0; round < 50_000; round++)
        {
            var value = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            if (!float.IsFinite(value))
                continue;
            var text = PaddedText.Format(p => NumberFormatter.WriteSingle(p, value));
            Assert.True(float.Parse(text, CultureInfo.InvariantCulture).Equals(value) && text.AsSpan().IndexOfAny(".E") >= 0, $"seed {seed}: {text}");
        }
    }

    private static int Significant(string text) => NumberShape.TryRead(System.Text.Encoding.ASCII.GetBytes(text), out var shape)
        ? shape.Significant : int.MaxValue;
}
