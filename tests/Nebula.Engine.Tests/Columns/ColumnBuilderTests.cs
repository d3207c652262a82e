using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Columns;

public sealed class ColumnBuilderTests
{
    [Fact]
    public void Build_ValuesAndNulls_FollowsTheArrowLayout()
    {
        using var pool = new BufferPool();
        using (var builder = new ColumnBuilder(pool, DataType.String))
        {
            builder.AppendBytes("ab"u8);
            builder.AppendNull();
            builder.AppendBytes("c"u8);
            using var column = builder.Build();
            Assert.Equal((3, 1), (column.Length, column.NullCount));
            Assert.Equal([0, 2, 2, 3], column.Offsets.ToArray());
            Assert.Equal("abc"u8.ToArray(), column.Bytes.ToArray());
            Assert.Equal(0b101, column.Validity[0]);
            Assert.Equal(0, builder.Length);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Build_ListOfStructs_HasElementsInTheChildren()
    {
        using var pool = new BufferPool();
        var type = DataType.List(DataType.Struct(new Field("a", DataType.Int16), new Field("b", DataType.Bool)));
        using (var builder = new ColumnBuilder(pool, type))
        {
            var element = builder.Children[0];
            element.Children[0].Append((short)5);
            element.Children[1].AppendBool(true);
            element.EndStruct();
            element.AppendNull();
            builder.EndList();
            builder.AppendNull();
            builder.EndList();
            using var column = builder.Build();
            Assert.Equal([0, 2, 2, 2], column.Offsets.ToArray());
            Assert.Equal(0b101, column.Validity[0]);
            Assert.Equal((2, 1), (column.Children[0].Length, column.Children[0].NullCount));
            Assert.Equal(2, column.Children[0].Children[0].Length);
            Assert.True(column.Children[0].Children[1].IsNull(1));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Build_Nothing_GivesAnEmptyColumn()
    {
        using var pool = new BufferPool();
        using (var builder = new ColumnBuilder(pool, DataType.Map(DataType.String, DataType.Int64)))
        using (var column = builder.Build())
        {
            Assert.Equal(0, column.Length);
            Assert.Equal([0], column.Offsets.ToArray());
            Assert.Equal([0], column.Children[0].Offsets.ToArray());
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void AppendRange_OffsetsThatStartAnywhere_AreMoved()
    {
        using var pool = new BufferPool();
        using (var builder = new ColumnBuilder(pool, DataType.Binary))
        {
            var offsets = pool.Rent(3 * sizeof(int));
            var values = pool.Rent(16);
            "..abc"u8.CopyTo(values.Span);
            new[] { 2, 3, 5 }.CopyTo(offsets.As<int>());
            builder.AppendBytes("x"u8);
            using (var source = new Column(DataType.Binary, 2, 0, null, values, offsets))
                builder.AppendRange(source, 0, 2);
            using var column = builder.Build();
            Assert.Equal([0, 1, 2, 4], column.Offsets.ToArray());
            Assert.Equal("xabc"u8.ToArray(), column.Bytes.ToArray());
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Build_RowsThatDoNotAddUp_IsRefusedAndLeaksNothing()
    {
        using var pool = new BufferPool();
        using (var builder = new RecordBatchBuilder(pool, new Schema([new Field("id", DataType.Int64), new Field("name", DataType.String)])))
        {
            builder.Columns[0].Append(1L);
            builder.Length = 1;
            Assert.Contains("\"name\" has 0 values", Assert.Throws<InvalidOperationException>(builder.Build).Message, StringComparison.Ordinal);
            builder.Columns[1].AppendText("Zürich 😀");
            using (var batch = builder.Build())
                Assert.Equal("Zürich 😀"u8, batch.Columns[1].GetBytes(0));
            builder.Columns[0].Append(1);
            builder.Columns[1].AppendNull();
            builder.Length = 1;
            Assert.Contains("8 bytes each", Assert.Throws<InvalidOperationException>(builder.Build).Message, StringComparison.Ordinal);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(63), InlineData(64), InlineData(65), InlineData(5000)]
    public unsafe void AppendMany_BytesOfAnyLengthAndNulls_AreAsIfAppendedOneByOne(int length)
    {
        using var pool = new BufferPool();
        using (var builder = new ColumnBuilder(pool, DataType.String))
        using (var bytes = pool.Rent(length))
        {
            bytes.Span[..length].Fill((byte)'x');
            // the first of all may be empty
            builder.AppendPadded(bytes.Pointer, length);
            builder.AppendNull();
            new Span<byte>(builder.ReserveBytes(length + 2), length + 2).Fill((byte)'y');
            builder.AppendMany([length, -1, 0, 2]);
            builder.Prepare(10_000);
            builder.AppendPadded(bytes.Pointer, length);
            using var column = builder.Build();
            Assert.Equal((7, 2), (column.Length, column.NullCount));
            Assert.Equal([false, true, false, true, false, false, false], Enumerable.Range(0, 7).Select(column.IsNull));
            Assert.Equal([length, 0, length, 0, 0, 2, length], Enumerable.Range(0, 7).Select(row => column.GetBytes(row).Length));
            Assert.Equal(-1, column.GetBytes(2).IndexOfAnyExcept((byte)'y'));
            Assert.Equal(-1, column.GetBytes(6).IndexOfAnyExcept((byte)'x'));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void AppendMany_NumbersAndNulls_AreAsIfAppendedOneByOne()
    {
        using var pool = new BufferPool();
        using (var builder = new ColumnBuilder(pool, DataType.Int64))
        {
            new[] { 1L, 2L }.CopyTo(builder.AppendMany<long>([8, 8]));
            new[] { 0L, 3L, 4L }.CopyTo(builder.AppendMany<long>([-1, 8, 8]));
            builder.Prepare(100);
            builder.Append(5L);
            using var column = builder.Build();
            Assert.Equal((6, 1), (column.Length, column.NullCount));
            Assert.Equal(0b111011, column.Validity[0]);
            Assert.Equal([1, 2, 0, 3, 4, 5], column.Values<long>().ToArray());
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(511)]
    [InlineData(513)]
    [InlineData(2000)]
    public void AppendMany_OfAnyNumber_IsAsIfAppendedOneByOne(int count)
    {
        using var pool = new BufferPool();
        var random = new Random(count);
        using (var builder = new ColumnBuilder(pool, DataType.Bool))
        using (var expected = new ColumnBuilder(pool, DataType.Bool))
        {
            // the first calls have no null, and each begins at another bit
            for (var call = 0; call < 5; call++, count += 3)
            {
                var bits = new byte[Bitmap.ByteCount(count)];
                random.NextBytes(bits);
                var lengths = new int[count];
                for (var i = 0; i < count; i++)
                {
                    lengths[i] = call < 2 || random.Next(3) > 0 ? 1 : -1;
                    if (lengths[i] > 0)
                        expected.AppendBool((bits[i >> 3] >> (i & 7) & 1) == 1);
                    else
                    {
                        bits[i >> 3] &= (byte)~(1 << (i & 7));
                        expected.AppendNull();
                    }
                }
                builder.AppendMany(bits, lengths);
            }
            using var column = builder.Build();
            using var same = expected.Build();
            Assert.Equal((same.Length, same.NullCount), (column.Length, column.NullCount));
            Assert.Equal(same.Validity.ToArray(), column.Validity.ToArray());
            Assert.Equal(same.Bits.ToArray(), column.Bits.ToArray());
        }
        Assert.Equal(0, pool.Outstanding);
    }
}
