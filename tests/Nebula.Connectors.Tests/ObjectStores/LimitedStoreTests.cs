using System.Net;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Connectors.ObjectStores.Remote;
using Nebula.Engine.Connectors;
using Nebula.Engine.Tests;

namespace Nebula.Connectors.Tests.ObjectStores;

/// <summary>What goes to and from stores with <c>limits.max_bytes_per_second</c>.</summary>
public sealed class LimitedStoreTests : IDisposable
{
    private const int Rate = 100_000;
    private static readonly TimeSpan TimeOfAll = TimeSpan.FromSeconds(4.9);
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-limited-").FullName;
    private readonly JumpingTime _time = new();
    private readonly LocalStore _store;
    private readonly RateLimit _limit;
    private readonly byte[] _bytes = new byte[5 * Rate];

    public LimitedStoreTests()
    {
        new Random(1).NextBytes(_bytes);
        _limit = new RateLimit(Rate, _time);
        _store = new LocalStore(_limit);
        File.WriteAllBytes(Source, _bytes);
    }

    private string Source => Path.Combine(_folder, "in.bin");

    private string Target => Path.Combine(_folder, "out.bin");

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task LocalFile_ReadForwards_TakesItsTime()
    {
        using var stream = _store.OpenRead(await FindAsync());
        using var read = new MemoryStream();
        stream.CopyTo(read);
        Assert.Equal(_bytes, read.ToArray());
        Assert.Equal(TimeOfAll, _time.Elapsed);
    }

    [Fact]
    public async Task LocalFile_ReadAtRandom_TakesItsTime()
    {
        using var file = _store.OpenRandom(await FindAsync());
        var read = new byte[_bytes.Length];
        file.Read(Rate, read.AsSpan(Rate));
        file.Read(0, read.AsSpan(0, Rate));
        Assert.Equal(_bytes, read);
        Assert.Equal(TimeOfAll, _time.Elapsed);
    }

    [Fact]
    public void LocalFile_Written_TakesItsTime()
    {
        using (var staged = _store.Stage(Target, "run"))
        {
            staged.Write(_bytes);
            staged.Complete();
            _store.Publish([staged.Location], Target, "token");
        }
        Assert.Equal(_bytes, File.ReadAllBytes(Target));
        Assert.Equal(TimeOfAll, _time.Elapsed);
    }

    [Fact]
    public async Task LocalFile_Interrupted_EndsReadsAndWritesAtOnce()
    {
        _time.Stand();
        using var cancelled = new CancellationTokenSource();
        using var stream = _store.OpenRead(await FindAsync());
        using var other = _store.OpenRead(await FindAsync(), cancellationToken: cancelled.Token);
        using var random = _store.OpenRandom(await FindAsync(), cancelled.Token);
        using var staged = _store.Stage(Target, "run");
        var buffer = new byte[Rate];
        Task[] blocked =
        [
            Task.Run(() => staged.Write(_bytes)), Task.Run(() => random.Read(0, buffer)), Task.Run(() => Fill(stream)), Task.Run(() => Fill(other)),
        ];
        staged.Interrupt();
        ((IInterruptible)stream).Interrupt();
        await cancelled.CancelAsync();
        foreach (var task in blocked)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);

        static void Fill(Stream stream) => stream.ReadExactly(new byte[Rate]);
    }

    [Fact]
    public async Task Http_BodiesOfBothDirections_TakeTheirTimeAndStayWhatTheyAre()
    {
        var sent = new MemoryStream();
        using var client = new HttpClient(new LimitedHttp(_limit, new Echo(sent)));
        using var content = new ByteArrayContent(_bytes) { Headers = { ContentType = new("application/x-test") } };
        using var request = new HttpRequestMessage(HttpMethod.Put, "http://store/object") { Content = content };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(_bytes, sent.ToArray());
        Assert.Equal(TimeOfAll, _time.Elapsed);
        Assert.Equal(_bytes.Length, response.Content.Headers.ContentLength);
        Assert.Equal("application/x-test", response.Content.Headers.ContentType?.MediaType);
        await using var body = await response.Content.ReadAsStreamAsync();
        using var received = new MemoryStream();
        await body.CopyToAsync(received);
        Assert.Equal(_bytes, received.ToArray());
        Assert.Equal(2 * TimeOfAll + TimeSpan.FromSeconds(0.1), _time.Elapsed);
    }

    private async Task<StoredObject> FindAsync() => Assert.Single(await _store.ListAsync(Source, CancellationToken.None));

    /// <summary>Answers with what it is sent.</summary>
    private sealed class Echo(MemoryStream sent) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await request.Content!.CopyToAsync(sent, cancellationToken);
            var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new MemoryStream(sent.ToArray())) };
            response.Content.Headers.ContentType = request.Content.Headers.ContentType;
            response.Content.Headers.ContentLength = request.Content.Headers.ContentLength;
            return response;
        }
    }
}
