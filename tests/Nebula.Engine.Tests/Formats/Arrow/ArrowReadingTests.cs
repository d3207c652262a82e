using System.Buffers.Binary;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Formats.Arrow.Writing;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Arrow;

/// <summary>What other writers do and the fixtures do not show, and what is wrong.</summary>
public sealed class ArrowReadingTests
{
    private static readonly FlatField[] Seconds = [new(0, 2, 0)];

    [Fact]
    public void Read_DictionaryDeltasAndReplacements_ApplyFromTheirPlaceOn()
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, [], indexBits: 8)
            .Dictionary(false, "a", "b").Batch(3, 0, [], [0, 1, 0])
            .Dictionary(true, "c").Batch(4, 0, [], [2, 1, 0, 2])
            .Dictionary(false, "x").Dictionary(true, "y", "z").Batch(3, 1, [0b101], [2, 9, 0])
            .Bytes;
        using var pool = new BufferPool();
        Assert.Equal(["a", "b", "a", "c", "b", "a", "c", "z", null, "x"], Texts(file, pool));
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_BlocksFetchedBeforeADictionaryIsReplaced_KeepTheirs()
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, [], indexBits: 8)
            .Dictionary(false, "old").Batch(1, 0, [], [0]).Dictionary(false, "new").Batch(1, 0, [], [0]).Bytes;
        using var pool = new BufferPool();
        using (var opened = ArrowMemory.Open(file, pool))
        using (var reader = opened.OpenReader([0], 0, null, new Engine.Connectors.ReadContext(pool, 1 << 20)))
        using (var first = reader.Next()!)
        using (var second = reader.Next()!)
        {
            Assert.Null(reader.Next());
            var read = new List<string?>();
            reader.Decode(second, new TextSink(read));
            reader.Decode(first, new TextSink(read));
            reader.Decode(first, new TextSink(read));
            Assert.Equal(["new", "old", "old"], read);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_BlockNeverDecoded_LeavesNothingOut()
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, [], indexBits: 8).Dictionary(false, "a").Batch(1, 0, [], [0]).Batch(1, 0, [], [0]).Bytes;
        using var pool = new BufferPool();
        using (var opened = ArrowMemory.Open(file, pool))
        using (var reader = opened.OpenReader([0], 0, null, new Engine.Connectors.ReadContext(pool, 1 << 20)))
            reader.Next()!.Dispose();
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_AllNullBeforeTheDictionaryIsSent_IsNull()
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, [], indexBits: 16).Batch(2, 2, [0], [5, 0, 5, 0]).Dictionary(false, "late").Batch(1, 0,
            [], [0, 0]).Bytes;
        using var pool = new BufferPool();
        Assert.Equal([null, null, "late"], Texts(file, pool));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void Read_PositionOutsideOfTheDictionary_IsRefused(sbyte position)
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, [], indexBits: 8).Dictionary(false, "a").Batch(2, 0, [], [0, (byte)position]).Bytes;
        AssertRefused(file, "record batch 0, value 1", "dictionary 7");
    }

    [Theory]
    [InlineData(9_223_372_036_855, false)]
    [InlineData(9_223_372_036_854, true)]
    [InlineData(-9_223_372_036_854, true)]
    [InlineData(long.MinValue, false)]
    public void Read_SecondsBeyondTheRangeOfMicroseconds_AreRefused(long seconds, bool fits)
    {
        var values = new byte[24];
        BinaryPrimitives.WriteInt64LittleEndian(values.AsSpan(8), seconds);
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Timestamp, Seconds).Batch(3, 0, [], values).Bytes;
        if (!fits)
        {
            AssertRefused(file, "value 1", seconds.ToString(System.Globalization.CultureInfo.InvariantCulture), "\"c\"");
            return;
        }
        using var pool = new BufferPool();
        using var read = ArrowMemory.ReadAll(file, pool);
        Assert.Equal(seconds * 1_000_000, read.Columns[0].Values<long>()[1]);
    }

    [Fact]
    public void Read_NullSlotsWithValuesOutOfRange_AreNull()
    {
        var values = new byte[24];
        BinaryPrimitives.WriteInt64LittleEndian(values.AsSpan(8), long.MaxValue);
        using var pool = new BufferPool();
        using var read = ArrowMemory.ReadAll(new ArrowStreamBuilder().Schema(ArrowTypeId.Timestamp, Seconds).Batch(3, 1, [0b101], values).Bytes, pool);
        Assert.Equal(1, read.Columns[0].NullCount);
        Assert.True(read.Columns[0].IsNull(1));
    }

    [Theory]
    [InlineData(new byte[] { 0xC3, 0xA4, 0x61 }, new[] { 0, 2, 3 }, true)]
    [InlineData(new byte[] { 0xC3, 0xA4, 0x61 }, new[] { 0, 1, 3 }, false)]
    [InlineData(new byte[] { 0xFF, 0x61, 0x61 }, new[] { 0, 1, 3 }, false)]
    public void Read_Text_MustBeUtf8ValueByValue(byte[] bytes, int[] offsets, bool isValid)
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, []).Batch(2, 0, [], [.. offsets.SelectMany(BitConverter.GetBytes)], bytes).Bytes;
        using var pool = new BufferPool();
        if (isValid)
            Assert.Equal(["ä", "a"], Texts(file, pool));
        else
            AssertRefused(file, "value 0", "UTF-8", "\"c\"");
    }

    [Fact]
    public void Read_NullTextThatIsNotUtf8_IsNull()
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, []).Batch(2, 1, [0b10], [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0], [0xFF, 0x61]).Bytes;
        using var pool = new BufferPool();
        Assert.Equal([null, "a"], Texts(file, pool));
    }

    [Fact]
    public void Read_OffsetsThatDoNotStartAtZero_GiveTheirValues()
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, []).Batch(2, 0, [], [1, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0], "xabcy"u8.ToArray()).Bytes;
        using var pool = new BufferPool();
        Assert.Equal(["ab", "c"], Texts(file, pool));
    }

    [Theory]
    [InlineData(new[] { 0, 3, 2 }, "smaller")]
    [InlineData(new[] { 0, 1, 9 }, "buffer 2")]
    [InlineData(new[] { -1, 0, 1 }, "offsets go from -1")]
    [InlineData(new[] { 0, int.MinValue, 2 }, "smaller")]
    public void Read_WrongOffsets_AreRefused(int[] offsets, string reason) =>
        AssertRefused(new ArrowStreamBuilder().Schema(ArrowTypeId.Utf8, []).Batch(2, 0, [], [.. offsets.SelectMany(BitConverter.GetBytes)],
            "abc"u8.ToArray()).Bytes, reason);

    [Fact]
    public void Read_RowsBeyondTheBuffer_AreRefused() =>
        AssertRefused(new ArrowStreamBuilder().Schema(ArrowTypeId.Int, [new(0, 4, 64), new(1, 1, 1)]).Batch(1L << 40, 0, [], new byte[8]).Bytes,
            "record batch 0");

    [Fact]
    public void Read_NullWhereTheSchemaAllowsNone_IsRefused() =>
        AssertRefused(new ArrowStreamBuilder().Schema(ArrowTypeId.Int, [new(0, 4, 8), new(1, 1, 1)], nullable: false).Batch(2, 1, [0b01], [1, 2]).Bytes,
            "null", "\"c\"");

    [Fact]
    public void Read_StreamCutInABody_IsRefused()
    {
        var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Int, [new(0, 4, 64), new(1, 1, 1)]).Batch(4, 0, [], new byte[32]).Bytes;
        AssertRefused(file[..^8], "record batch 0", "24 are left");
    }

    [Fact]
    public void Read_TwoStreamsInOneFile_IsRefused()
    {
        var stream = new ArrowStreamBuilder().Schema(ArrowTypeId.Bool, []).Batch(1, 0, [], [1]).Bytes;
        AssertRefused([.. stream, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, .. stream], "behind the end of the stream");
        AssertRefused([.. stream, .. stream], "Schema");
    }

    [Fact]
    public void Read_FileCut_IsRefused()
    {
        using var pool = new BufferPool();
        var file = ArrowMemory.Write(new Schema([new Field("a", DataType.Bool)]), pool, []);
        foreach (var length in Enumerable.Range(0, file.Length))
            AssertRefused(file[..length]);
    }

    [Fact]
    public void Read_DecimalsOfAnyWidthAndScale_KeepTheirValues()
    {
        using var pool = new BufferPool();
        foreach (var (bits, scale, type, unscaled, expected) in ((int, int, DataType, long, long)[])
            [(32, 2, DataType.Decimal(9, 2), -12345, -12345), (64, 0, DataType.Decimal(9, 0), 999, 999), (128, 2, DataType.Decimal(9, 2), -1, -1), (256, 3,
                DataType.Decimal(9, 3), -7, -7),
             (128, -3, DataType.Decimal(12, 0), -5, -5000), (64, 12, DataType.Decimal(12, 12), 5, 5)])
        {
            var value = new byte[bits / 8];
            for (var i = 0; i < value.Length; i++)
                value[i] = i < 8 ? (byte)(unscaled >> (8 * i)) : unscaled < 0 ? (byte)0xFF : (byte)0;
            var file = new ArrowStreamBuilder().Schema(ArrowTypeId.Decimal, [new(0, 4, 9), new(1, 4, scale), new(2, 4, bits)]).Batch(1, 0, [], value).Bytes;
            using var read = ArrowMemory.ReadAll(file, pool);
            Assert.Equal(type, read.Schema.Fields[0].Type);
            Assert.Equal(expected, read.Columns[0].Values<long>()[0]);
        }
    }

    [Fact]
    public void Read_DecimalOfMoreThan38Digits_IsReadWhereItFits()
    {
        FlatField[] type = [new(0, 4, 50), new(1, 4, 5), new(2, 4, 256)];
        using var pool = new BufferPool();
        var small = new byte[32];
        small[0] = 42;
        using (var read = ArrowMemory.ReadAll(new ArrowStreamBuilder().Schema(ArrowTypeId.Decimal, type).Batch(1, 0, [], small).Bytes, pool))
        {
            Assert.Equal(DataType.Decimal(38, 5), read.Schema.Fields[0].Type);
            Assert.Equal(42, read.Columns[0].Values<Int128>()[0]);
        }
        var large = new byte[64];
        large[48] = 1;
        AssertRefused(new ArrowStreamBuilder().Schema(ArrowTypeId.Decimal, type).Batch(2, 0, [], large).Bytes, "value 1", "too many digits");
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_DictionaryOfGiantEntries_ComesInBatchesThatFit()
    {
        // 16,000 rows of 1 MB each, out of a file of 1 MB: binary, so that no dictionary can be passed on
        var builder = new ArrowStreamBuilder().Schema(ArrowTypeId.Binary, [], indexBits: 8).Dictionary(false, new string('x', 1 << 20)).Batch(2000, 0, [],
            new byte[2000]);
        using var pool = new BufferPool();
        using (var opened = ArrowMemory.Open(builder.Bytes, pool))
        using (var reader = opened.OpenReader([0], 0, null, new Engine.Connectors.ReadContext(pool, 1 << 20)))
        {
            var rows = 0;
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, new BatchSink(batch => rows += batch.Length));
            Assert.Equal(2000, rows);
        }
        Assert.True(pool.PeakBytes < 100 << 20, $"{pool.PeakBytes} bytes were on loan at once");
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("ARROW1\0\0", true)]
    [InlineData("FEA1....", true)]
    [InlineData("\u00ff\u00ff\u00ff\u00ff\u0078\u0000\u0000\u0000\u0010\u0000\u0000\u0000", true)]
    [InlineData("\u0078\u0000\u0000\u0000\u0010\u0000\u0000\u0000", true)]
    [InlineData("id,name,email", false)]
    [InlineData("{\"a\":1}", false)]
    [InlineData("PAR1", false)]
    [InlineData("", false)]
    [InlineData("Obj\u0001\u0004\u0016avro.codec", false)]
    [InlineData("\u001f\u008b\u0008\u0000\u0000\u0000\u0000\u0000", false)]
    public void Matches_StartOfAFile_TellsWhetherItIsArrow(string head, bool expected) => Assert.Equal(expected,
        new ArrowFormat().Matches(Encoding.Latin1.GetBytes(head)));

    [Fact]
    public void Open_FeatherVersion1_IsRefusedWithAdvice() => AssertRefused([.. "FEA1"u8, .. new byte[40], .. "FEA1"u8], "version 1", "version 2");

    private static void AssertRefused(byte[] file, params string[] parts)
    {
        using var pool = new BufferPool();
        var refusal = Assert.Throws<DataFormatException>(() => ArrowMemory.ReadAll(file, pool).Dispose());
        Assert.NotNull(refusal.Location);
        Assert.All(parts, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
        foreach (var blockSize in (int[])[1, 1 << 20])
            Assert.Throws<DataFormatException>(() => ArrowMemory.ReadAll(file, pool, blockSize).Dispose());
        Assert.Equal(0, pool.Outstanding);
    }

    private static List<string?> Texts(byte[] file, BufferPool pool)
    {
        var read = new List<string?>();
        foreach (var batch in ArrowMemory.Read(file, pool))
            new TextSink(read).Add(batch);
        return read;
    }

    private class BatchSink(Action<RecordBatch> look) : Engine.Connectors.IDecodeSink
    {
        public void Add(RecordBatch batch)
        {
            using (batch)
                look(batch);
        }

        public void Reject(Engine.Connectors.RejectedRow row) => Assert.Fail(row.Reason);

        public void Lines(long count)
        {
        }
    }

    private sealed class TextSink(List<string?> read) : BatchSink(batch =>
    {
        for (var i = 0; i < batch.Length; i++)
            read.Add(batch.Columns[0].IsNull(i) ? null : Encoding.UTF8.GetString(batch.Columns[0].GetBytes(i)));
    });
}
