using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests;

public sealed class RateLimitTests
{
    private const string Option = "limits.max_bytes_per_second";
    private const int Rate = 100_000;
    private readonly JumpingTime _time = new();

    [Fact]
    public async Task Take_MoreThanABurst_TakesItsTime()
    {
        var limit = new RateLimit(Rate, _time);
        for (var i = 0; i < 50; i++)
        {
            await limit.TakeAsync(limit.Piece, CancellationToken.None);
            limit.Take(limit.Piece, CancellationToken.None);
        }
        // a tenth of a second's bytes went before
        Assert.Equal(TimeSpan.FromSeconds(9.9), _time.Elapsed);
    }

    [Fact]
    public void Take_ManyAtOnce_WaitForEachOther()
    {
        var limit = new RateLimit(Rate, _time);
        _time.Stand();
        Task[] takes = [.. Enumerable.Range(0, 20).Select(_ => limit.TakeAsync(limit.Piece, CancellationToken.None))];
        Assert.True(takes[0].IsCompleted);
        Assert.All(takes[1..], static take => Assert.False(take.IsCompleted));
        Assert.Equal(Enumerable.Range(1, 19).Select(static i => TimeSpan.FromMilliseconds(100 * i)), _time.Waits);
    }

    [Fact]
    public void Take_AfterAPause_GivesATenthOfASecondAtOnceAndNoMore()
    {
        var limit = new RateLimit(Rate, _time);
        _time.Advance(TimeSpan.FromHours(1));
        limit.Take(Rate / 10, CancellationToken.None);
        Assert.Empty(_time.Waits);
        limit.Take(Rate / 10, CancellationToken.None);
        Assert.Equal([TimeSpan.FromMilliseconds(100)], _time.Waits);
    }

    [Fact]
    public async Task Take_Cancelled_EndsAtOnce()
    {
        var limit = new RateLimit(Rate, _time);
        _time.Stand();
        using var cancelled = new CancellationTokenSource();
        var waiting = limit.TakeAsync(Rate, cancelled.Token);
        var blocked = Task.Run(() => limit.Take(Rate, cancelled.Token));
        Assert.False(waiting.IsCompleted);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blocked);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => limit.TakeAsync(1, cancelled.Token));
    }

    [Fact]
    public void Of_SamePlaceAndNumber_IsOneLimit()
    {
        var limit = RateLimit.Of(Options("2MB"), "here");
        Assert.NotNull(limit);
        Assert.Same(limit, RateLimit.Of(Options("2000KB"), "here"));
        Assert.NotSame(limit, RateLimit.Of(Options("2MB"), "there"));
        Assert.NotSame(limit, RateLimit.Of(Options("3MB"), "here"));
        Assert.Null(RateLimit.Of(new OptionValues("source \"x\"", [RateLimit.Option], []), "here"));
        Assert.Null(RateLimit.Of(new OptionValues("source \"x\"", [], []), "here"));
    }

    [Theory]
    [InlineData("200", "must be a size with a unit, such as 64MB; it is '200'")]
    [InlineData("fast", "must be a size with a unit, such as 64MB; it is 'fast'")]
    [InlineData("0B", "must be 1KB or more; it is '0B'")]
    [InlineData("999B", "must be 1KB or more; it is '999B'")]
    public void Option_NoSizeOrTooSmall_IsRefused(string value, string says)
    {
        var error = Assert.Throws<NebulaException>(() => Options(value));
        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains($"Option '{Option}' of source \"x\" {says}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1_000, 100)]
    [InlineData(200_000_000, 1 << 20)]
    public void Piece_OfSlowAndFast_IsATenthOfASecondOrAMegabyte(long rate, int piece) => Assert.Equal(piece, new RateLimit(rate, _time).Piece);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_ReadAndWritten_HasTheSameBytesInTheirTime(bool isAsync)
    {
        var bytes = new byte[5 * Rate];
        new Random(1).NextBytes(bytes);
        using var written = new MemoryStream();
        var limit = new RateLimit(Rate, _time);
        var source = LimitedStream.Of(new MemoryStream(bytes), limit);
        var target = LimitedStream.Of(written, limit);
        var buffer = new byte[2 * Rate];
        while ((isAsync ? await source.ReadAsync(buffer) : source.Read(buffer)) is var count and > 0)
            if (isAsync)
                await target.WriteAsync(buffer.AsMemory(0, count));
            else
                target.Write(buffer.AsSpan(0, count));
        Assert.Equal(bytes, written.ToArray());
        Assert.Equal(TimeSpan.FromSeconds(9.9), _time.Elapsed);
        Assert.All(_time.Waits, static wait => Assert.True(wait <= TimeSpan.FromMilliseconds(100)));
        Assert.Same(written, LimitedStream.Of(written, null));
    }

    private static OptionValues Options(string value) =>
        new("source \"x\"", [RateLimit.Option], [KeyValuePair.Create(Option, new OptionValue([value], new SourceLocation("test")))]);
}
