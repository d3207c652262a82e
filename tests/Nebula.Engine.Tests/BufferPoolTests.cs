using Nebula.Engine.Columns;

namespace Nebula.Engine.Tests;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(0), InlineData(1), InlineData(256), InlineData(257), InlineData(320), InlineData(321), InlineData(1 << 20), InlineData((1 << 20) + 1),
        InlineData(100_000_000)]
    public void Rent_AnySize_GivesAtLeastThatManyAlignedBytes(int capacity)
    {
        using var pool = new BufferPool();
        using var buffer = pool.Rent(capacity);
        Assert.True(buffer.Capacity >= capacity);
        Assert.True(buffer.Capacity <= Math.Max(320, capacity * 5L / 4 + 1));
        unsafe
        {
            Assert.Equal(0, (nint)buffer.Pointer % BufferPool.Alignment);
        }
    }

    [Fact]
    public void Dispose_Twice_ReturnsOnce()
    {
        using var pool = new BufferPool();
        var buffer = pool.Rent(1000);
        Assert.Equal((1L, (long)buffer.Capacity), (pool.Outstanding, pool.OutstandingBytes));
        buffer.Dispose();
        buffer.Dispose();
        Assert.Equal((0L, 0L), (pool.Outstanding, pool.OutstandingBytes));
        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
        using var again = pool.Rent(1000);
        Assert.NotSame(buffer, again);
        Assert.Equal(0, pool.CachedBytes);
    }

    [Theory]
    [InlineData(300_000, true)]
    [InlineData(600_000, false)]
    public void Rent_MoreThanHalfOfWhatMayBeKept_FreesWhatIsKept(int bytes, bool isKept)
    {
        using var pool = new BufferPool(cacheLimit: 1 << 20);
        pool.Rent(100_000).Dispose();
        Assert.NotEqual(0, pool.CachedBytes);
        using var large = pool.Rent(bytes);
        Assert.Equal(isKept, pool.CachedBytes > 0);
    }
}
