using System.Net;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>Sends and receives the bodies of HTTP messages no faster than a limit allows, whichever library of a service writes and reads them.</summary>
/// <param name="limit">The limit.</param>
/// <param name="inner">Sends the messages.</param>
internal sealed class LimitedHttp(RateLimit limit, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    // more than is under way at a time in a process
    private const long MostUnderWay = 1L << 30;

    // as the services' libraries set it; stores come and go with the steps of a run, connections stay
    private static readonly SocketsHttpHandler Connections = new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    };

    /// <summary>Makes a client that keeps to a limit. It need not be disposed of.</summary>
    /// <param name="limit">The limit.</param>
    public static HttpClient Client(RateLimit limit) =>
        new(new LimitedHttp(limit, Connections), disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>How long a call may take that is slow because of the limit.</summary>
    /// <param name="usual">How long it may take without one.</param>
    /// <param name="limit">The limit.</param>
    public static TimeSpan TimeoutOf(TimeSpan usual, RateLimit limit) => usual + limit.TimeOf(MostUnderWay);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is not null)
            request.Content = new LimitedContent(request.Content, limit);
        return Limited(await base.SendAsync(request, cancellationToken).ConfigureAwait(false));
    }

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is not null)
            request.Content = new LimitedContent(request.Content, limit);
        return Limited(base.Send(request, cancellationToken));
    }

    private HttpResponseMessage Limited(HttpResponseMessage response)
    {
        response.Content = new LimitedContent(response.Content, limit);
        return response;
    }

    private sealed class LimitedContent : HttpContent
    {
        private readonly HttpContent _inner;
        private readonly RateLimit _limit;

        public LimitedContent(HttpContent inner, RateLimit limit)
        {
            (_inner, _limit) = (inner, limit);
            foreach (var (name, values) in inner.Headers.NonValidated)
                Headers.TryAddWithoutValidation(name, values);
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            _inner.CopyToAsync(new LimitedStream(stream, _limit), context, cancellationToken);

        protected override void SerializeToStream(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            _inner.CopyTo(new LimitedStream(stream, _limit), context, cancellationToken);

        protected override async Task<Stream> CreateContentReadStreamAsync() =>
            new LimitedStream(await _inner.ReadAsStreamAsync().ConfigureAwait(false), _limit);

        protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
            new LimitedStream(await _inner.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), _limit);

        protected override Stream CreateContentReadStream(CancellationToken cancellationToken) =>
            new LimitedStream(_inner.ReadAsStream(cancellationToken), _limit);

        protected override bool TryComputeLength(out long length)
        {
            length = _inner.Headers.ContentLength ?? 0;
            return _inner.Headers.ContentLength is not null;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
