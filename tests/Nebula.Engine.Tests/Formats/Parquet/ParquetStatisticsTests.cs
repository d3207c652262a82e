using System.Buffers.Binary;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Formats.Parquet.Writing;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;

namespace Nebula.Engine.Tests.Formats.Parquet;

public sealed class ParquetStatisticsTests : IDisposable
{
    private readonly BufferPool _pool = new();

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Fact]
    public void Bounds_OfFloats_LeaveOutNanAndTellZerosApart()
    {
        var (min, max) = DoubleBounds(double.NaN, 3.5, -2, double.NaN);
        Assert.Equal((-2, 3.5), (min, max));

        (min, max) = DoubleBounds(0.0, 0.0);
        Assert.True(double.IsNegative(min!.Value) && !double.IsNegative(max!.Value));

        (min, max) = DoubleBounds(-0.0, -0.0);
        Assert.True(double.IsNegative(min!.Value) && !double.IsNegative(max!.Value));

        Assert.Equal((double.PositiveInfinity, double.PositiveInfinity), DoubleBounds(double.PositiveInfinity, double.NaN));
        double[] infinities = [.. Enumerable.Range(0, 50).Select(static i => i % 2 == 0 ? double.NegativeInfinity : double.PositiveInfinity)];
        Assert.Equal((double.NegativeInfinity, double.PositiveInfinity), DoubleBounds(infinities));
    }

    [Fact]
    public void Bounds_OfNothingButNan_AreMissingAndSoIsTheColumnIndex()
    {
        var file = ParquetWriting.Of(_pool, DataType.Float32, [double.NaN, null, double.NaN]);
        Assert.Null(file.Statistics().MinValue);
        Assert.Null(file.Statistics().MaxValue);
        Assert.Equal(1, file.Statistics().NullCount);
        Assert.Null(file.ColumnIndex());
    }

    [Theory]
    [InlineData("short", "short", true, "short", true)]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789",
        "0123456789012345678901234567890123456789012345678901234567890123", false,
        "0123456789012345678901234567890123456789012345678901234567890124", false)]
    [InlineData("012345678901234567890123456789012345678901234567890123456789012éé", "012345678901234567890123456789012345678901234567890123456789012", false,
        "012345678901234567890123456789012345678901234567890123456789013", false)]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0010FFFFrest",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0010FFFF", false,
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false)]
    public void Bounds_OfText_AreCutBetweenCharacters(string value, string min, bool minIsExact, string max, bool maxIsExact)
    {
        var statistics = ParquetWriting.Of(_pool, DataType.String, [value]).Statistics();
        Assert.Equal(min, Encoding.UTF8.GetString(statistics.MinValue!.Value.Span));
        Assert.Equal(max, Encoding.UTF8.GetString(statistics.MaxValue!.Value.Span));
        Assert.Equal((minIsExact, maxIsExact), (statistics.IsMinExact, statistics.IsMaxExact));
    }

    [Fact]
    public void Bounds_ThatCannotBeRaised_AreMissing()
    {
        var file = ParquetWriting.Of(_pool, DataType.Binary, [Enumerable.Repeat((byte)0xFF, 100).ToArray(), "a"u8.ToArray()]);
        Assert.Null(file.Statistics().MinValue);
        Assert.Null(file.ColumnIndex());
    }

    [Fact]
    public void Bounds_OfDecimalsInBytes_CompareAsNumbers()
    {
        var statistics = ParquetWriting.Of(_pool, DataType.Decimal(38, 0), [(Int128)5, (Int128)(-7), (Int128)300]).Statistics();
        Assert.Equal(-7, BinaryPrimitives.ReadInt128BigEndian(statistics.MinValue!.Value.Span));
        Assert.Equal(300, BinaryPrimitives.ReadInt128BigEndian(statistics.MaxValue!.Value.Span));
    }

    [Fact]
    public void Bounds_OfUnsignedNumbers_CompareWithoutSign()
    {
        var statistics = ParquetWriting.Of(_pool, DataType.UInt64, [Int128.One, (Int128)ulong.MaxValue, (Int128)5]).Statistics();
        Assert.Equal(1ul, BinaryPrimitives.ReadUInt64LittleEndian(statistics.MinValue!.Value.Span));
        Assert.Equal(ulong.MaxValue, BinaryPrimitives.ReadUInt64LittleEndian(statistics.MaxValue!.Value.Span));
    }

    [Fact]
    public void ColumnIndex_OfManyPages_BoundsEachAndFindsTheOrder()
    {
        object?[] values = [.. Enumerable.Range(0, 50_000).Select(static i => i is >= 20_480 and < 40_960 ? null : (object)(long)(i * 7))];
        var file = ParquetWriting.Of(_pool, DataType.Int64, values);
        var (columns, offsets) = (file.ColumnIndex()!, file.OffsetIndex());

        Assert.Equal([0, 20_480, 40_960], offsets.Pages.Select(static page => page.FirstRow));
        Assert.Equal<bool>([false, true, false], columns.NullPages.ToArray());
        Assert.Equal<long>([0, 20_480, 0], columns.NullCounts.ToArray());
        Assert.Equal(BoundaryOrder.Ascending, columns.BoundaryOrder);
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(columns.MinValues[0].Span));
        Assert.Equal(20_479 * 7, BinaryPrimitives.ReadInt64LittleEndian(columns.MaxValues[0].Span));
        Assert.True(columns.MinValues[1].IsEmpty && columns.MaxValues[1].IsEmpty);
        Assert.Equal(49_999 * 7, BinaryPrimitives.ReadInt64LittleEndian(columns.MaxValues[2].Span));
        foreach (var page in offsets.Pages)
        {
            var header = PageHeaderReader.Read(file.Bytes.AsSpan((int)page.Offset), out var length);
            Assert.Equal(page.CompressedSize, length + header.CompressedSize);
        }
        Assert.Equal(file.Chunk().DataPageOffset, offsets.Pages[0].Offset);
    }

    [Fact]
    public void Statistics_OfAChunkWithDictionary_CountDistinctValues()
    {
        var file = ParquetWriting.Of(_pool, DataType.String, [.. Enumerable.Range(0, 5_000).Select(static i => $"city {i % 37}")]);
        Assert.Equal(37, file.Statistics().DistinctCount);
        Assert.Equal("city 0", Encoding.UTF8.GetString(file.Statistics().MinValue!.Value.Span));
        Assert.Equal("city 9", Encoding.UTF8.GetString(file.Statistics().MaxValue!.Value.Span));
        Assert.Contains(PageEncoding.RleDictionary, file.Chunk().Encodings);
    }

    [Fact]
    public void Bounds_OfRandomText_AreThoseOfAPlainSearch()
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        for (var round = 0; round < 20; round++)
        {
            var variety = round < 10 ? 20 : 1_000_000;
            string[] values = [.. Enumerable.Range(0, random.Next(1, 3_000)).Select(_ => new string((char)random.Next('a', 'e'), random.Next(9))
                + random.Next(variety))];
            var statistics = ParquetWriting.Of(_pool, DataType.String, [.. values.Select(static value => (object)value)]).Statistics();
            Array.Sort(values, StringComparer.Ordinal);
            Assert.Equal(values[0], Encoding.UTF8.GetString(statistics.MinValue!.Value.Span));
            Assert.Equal(values[^1], Encoding.UTF8.GetString(statistics.MaxValue!.Value.Span));
        }
    }

    [Fact]
    public void BloomFilter_OfAColumn_ContainsItsValuesAndFewOthers()
    {
        var schema = new Schema([new Field("id", DataType.Int64), new Field("name", DataType.String)]);
        Column[] columns =
        [
            TestColumns.Make(_pool, DataType.Int64, [.. Enumerable.Range(0, 10_000).Select(static i => (object)(long)(i * 977))]),
            TestColumns.Make(_pool, DataType.String, [.. Enumerable.Range(0, 10_000).Select(static i => (object)$"name {i % 100}")]),
        ];
        var file = ParquetWriting.Of(_pool, schema, columns, ("bloom_filter", "id"), ("bloom_filter", "name"));
        var filters = Enumerable.Range(0, 2).Select(leaf => Filter(file, leaf)).ToArray();
        var key = new byte[8];
        var wrong = 0;
        for (var i = 0; i < 10_000; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(key, i * 977L);
            Assert.True(filters[0].MayContain(key));
            BinaryPrimitives.WriteInt64LittleEndian(key, i * 977L + 1);
            wrong += filters[0].MayContain(key) ? 1 : 0;
            Assert.True(filters[1].MayContain(Encoding.UTF8.GetBytes($"name {i % 100}")));
        }
        Assert.InRange(wrong, 0, 300);
    }

    private static BloomFilter Filter(ParquetWriting file, int leaf)
    {
        var stored = file.Bytes.AsSpan((int)file.Chunk(leaf).BloomFilterOffset!.Value, file.Chunk(leaf).BloomFilterLength!.Value);
        var header = PageHeaderReader.ReadBloomFilter(stored, out var length);
        Assert.True(header.IsKnown);
        Assert.Equal(stored.Length, length + header.ByteCount);
        return BloomFilter.Of(stored[length..]);
    }

    private (double? Min, double? Max) DoubleBounds(params double[] values)
    {
        var statistics = ParquetWriting.Of(_pool, DataType.Float64, [.. values.Select(static value => (object)value)]).Statistics();
        return (ToDouble(statistics.MinValue), ToDouble(statistics.MaxValue));
    }

    private static double? ToDouble(ReadOnlyMemory<byte>? bytes) => bytes is { } value ? BinaryPrimitives.ReadDoubleLittleEndian(value.Span) : null;
}
