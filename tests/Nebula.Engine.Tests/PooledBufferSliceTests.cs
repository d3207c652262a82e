using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests;

public sealed class PooledBufferSliceTests
{
    [Fact]
    public void Slice_OfABuffer_IsTheSameMemory()
    {
        using var pool = new BufferPool();
        using var whole = pool.Rent(1000);
        for (var i = 0; i < 1000; i++)
            whole.Span[i] = (byte)i;
        using var slice = whole.Slice(100, 50);
        using var inner = slice.Slice(10, 5);
        Assert.Equal((50, 50, 5), (slice.Capacity, slice.Length, inner.Capacity));
        Assert.Equal(whole.Span[100..150], slice.Content);
        Assert.Equal(whole.Span[110..115], inner.Content);
        Assert.Equal(1, pool.Outstanding);
    }

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(0, 2, 1)]
    [InlineData(1, 0, 2)]
    [InlineData(1, 2, 0)]
    [InlineData(2, 0, 1)]
    [InlineData(2, 1, 0)]
    public void Dispose_InAnyOrder_ReturnsTheMemoryWithTheLast(int first, int second, int third)
    {
        using var pool = new BufferPool();
        var whole = pool.Rent(1000);
        var slice = whole.Slice(64, 128);
        PooledBuffer[] all = [whole, slice, slice.Slice(64, 64)];
        all[first].Dispose();
        all[first].Dispose();
        Assert.Equal(1, pool.Outstanding);
        all[second].Dispose();
        Assert.Equal(1, pool.Outstanding);
        Assert.Equal(all[third].Capacity, all[third].Span.Length);
        all[third].Dispose();
        Assert.Equal((0L, 0L), (pool.Outstanding, pool.OutstandingBytes));
        Assert.All(all, static buffer => Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length));
    }

    [Fact]
    public void Slice_OfAReturnedBuffer_IsRefused()
    {
        using var pool = new BufferPool();
        var whole = pool.Rent(1000);
        var slice = whole.Slice(0, 10);
        whole.Dispose();
        Assert.Throws<ObjectDisposedException>(() => whole.Slice(0, 10));
        using var inner = slice.Slice(0, 5);
        slice.Dispose();
        Assert.Throws<ObjectDisposedException>(() => slice.Slice(0, 5));
        Assert.Equal(1, pool.Outstanding);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(0, int.MaxValue)]
    [InlineData(2000, 0)]
    [InlineData(1000, 25)]
    public void Slice_BeyondTheCapacity_IsRefused(int offset, int length)
    {
        using var pool = new BufferPool();
        using var whole = pool.Rent(1024);
        using var inner = whole.Slice(0, 1024);
        Assert.Throws<ArgumentOutOfRangeException>(() => whole.Slice(offset, length));
        Assert.Throws<ArgumentOutOfRangeException>(() => inner.Slice(offset, length));
    }

    [Fact]
    public void Slice_ByManyThreads_CountsEveryOne()
    {
        using var pool = new BufferPool();
        var whole = pool.Rent(4096);
        Parallel.For(0, 8, i =>
        {
            for (var round = 0; round < 2000; round++)
                using (var slice = whole.Slice(i * 64, 64))
                using (slice.Slice(0, 8))
                    slice.Span[0] = (byte)round;
        });
        Assert.Equal(1, pool.Outstanding);
        whole.Dispose();
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Share_OfAColumn_OutlivesTheColumn()
    {
        using var pool = new BufferPool();
        using var builder = new ColumnBuilder(pool, DataType.List(DataType.String));
        builder.Children[0].AppendBytes("a"u8);
        builder.Children[0].AppendNull();
        builder.EndList();
        builder.AppendNull();
        var column = builder.Build();
        var shared = column.Share();
        column.Dispose();
        Assert.Equal((2, 1), (shared.Length, shared.NullCount));
        Assert.Equal("a"u8, shared.Children[0].GetBytes(0));
        Assert.True(shared.Children[0].IsNull(1));
        Assert.True(pool.Outstanding > 0);
        shared.Dispose();
        Assert.Equal(0, pool.Outstanding);
    }
}
