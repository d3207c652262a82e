using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;

namespace Nebula.Engine.Tests.Storage;

public sealed class DictionaryEncoderTests
{
    [Theory]
    [InlineData(1, 10_000)]
    [InlineData(3, 100)]
    [InlineData(511, 5_000)]
    [InlineData(5_000, 60_000)]
    public void TryEncode_RepeatedValues_GivesEachOnceInOrderOfAppearance(int distinct, int rows)
    {
        using var pool = new BufferPool();
        using (var plain = Strings(pool, Enumerable.Range(0, rows).Select(i => $"value number {i % distinct}")))
        using (var encoded = DictionaryEncoder.TryEncode(pool, plain))
        {
            Assert.NotNull(encoded);
            Assert.Equal(distinct, encoded.Dictionary!.Length);
            Assert.Equal("value number 0", Encoding.UTF8.GetString(encoded.Dictionary.GetBytes(0)));
            ColumnAssert.EqualRange(plain, 0, encoded, 0, rows, "encoded");
            using var decoded = DictionaryEncoder.Decode(pool, encoded);
            Assert.Null(decoded.Dictionary);
            ColumnAssert.EqualRange(plain, 0, decoded, 0, rows, "decoded");
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void TryEncode_DoesNotPay_GivesNullAndReturnsBuffers()
    {
        using var pool = new BufferPool();
        using (var unique = Strings(pool, Enumerable.Range(0, 5000).Select(i => $"{i}")))
        using (var tooMany = Strings(pool, Enumerable.Range(0, 5000).Select(i => $"a long value {i % 100}")))
        using (var nothing = Strings(pool, []))
        {
            Assert.Null(DictionaryEncoder.TryEncode(pool, unique));
            Assert.Null(DictionaryEncoder.TryEncode(pool, tooMany, maxDistinct: 99));
            Assert.Null(DictionaryEncoder.TryEncode(pool, nothing));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void TryEncode_WithNulls_KeepsThem()
    {
        using var pool = new BufferPool();
        using (var plain = Strings(pool, Enumerable.Range(0, 3000).Select(i => i % 3 == 0 ? null : i % 5 == 0 ? "" : "something")))
        using (var encoded = DictionaryEncoder.TryEncode(pool, plain))
        {
            Assert.NotNull(encoded);
            Assert.Equal(1000, encoded.NullCount);
            ColumnAssert.EqualRange(plain, 0, encoded, 0, 3000, "encoded");
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void TryEncode_EveryLengthAndByte_IsToldApart()
    {
        using var pool = new BufferPool();
        var values = Enumerable.Range(0, 70).SelectMany(length => Enumerable.Range(0, Math.Max(length, 1)).Select(changed =>
            new string([.. Enumerable.Range(0, length).Select(i => i == changed ? 'b' : 'a')]))).ToList();
        using (var plain = Strings(pool, [.. values, .. values, .. values]))
        using (var encoded = DictionaryEncoder.TryEncode(pool, plain))
        {
            Assert.NotNull(encoded);
            Assert.Equal(values.Distinct().Count(), encoded.Dictionary!.Length);
            ColumnAssert.EqualRange(plain, 0, encoded, 0, plain.Length, "encoded");
        }
        Assert.Equal(0, pool.Outstanding);
    }

    private static Column Strings(BufferPool pool, IEnumerable<string?> values)
    {
        using var builder = new ColumnBuilder(pool, DataType.String);
        foreach (var value in values)
        {
            if (value is null)
                builder.AppendNull();
            else
                builder.AppendBytes(Encoding.UTF8.GetBytes(value));
        }
        return builder.Build();
    }
}
