using System.Net;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Invocation;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Durable;

/// <summary>Makes the client of a call: over gRPC, and over HTTP where that is not to be had. The address changes when the host restarts, so that each call's
/// own counts.</summary>
internal sealed class DurableClients : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5), UseCookies = false })
    {
        DefaultRequestVersion = HttpVersion.Version11,
        Timeout = Timeout,
    };

    /// <summary>The client that a call's durableClient binding leads to.</summary>
    /// <exception cref="DataFormatException">The binding tells no address.</exception>
    public IDurableClient Of(InvocationRequest request)
    {
        var input = DurableClientInput.Read(request.Get(FunctionDefinition.DurableClient));
        var overHttp = input.HttpAddress is null ? null : new HttpDurableClient(_http, input);
        return new Reaching(input.RpcAddress is null ? overHttp! : new GrpcDurableClient(_http, input), overHttp);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Asks the first, and the second when the first cannot be reached. Connections that break are transient errors.</summary>
    private sealed class Reaching(IDurableClient first, IDurableClient? second) : IDurableClient
    {
        public Task<bool> StartAsync(StartInstance start, CancellationToken cancellationToken) =>
            TryAsync(client => client.StartAsync(start, cancellationToken));

        public Task<InstanceState?> FindAsync(string instanceId, bool withPayloads, CancellationToken cancellationToken) =>
            TryAsync(client => client.FindAsync(instanceId, withPayloads, cancellationToken));

        public Task<InstancePage> QueryAsync(InstanceQuery query, CancellationToken cancellationToken) =>
            TryAsync(client => client.QueryAsync(query, cancellationToken));

        public Task RaiseEventAsync(string instanceId, string name, string input, CancellationToken cancellationToken) =>
            TryAsync(client => Done(client.RaiseEventAsync(instanceId, name, input, cancellationToken)));

        public Task ControlAsync(InstanceControl control, string instanceId, string reason, CancellationToken cancellationToken) =>
            TryAsync(client => Done(client.ControlAsync(control, instanceId, reason, cancellationToken)));

        public Task<int> PurgeAsync(DateTime from, DateTime to, CancellationToken cancellationToken) =>
            TryAsync(client => client.PurgeAsync(from, to, cancellationToken));

        private static async Task<bool> Done(Task task)
        {
            await task.ConfigureAwait(false);
            return true;
        }

        private async Task<T> TryAsync<T>(Func<IDurableClient, Task<T>> call)
        {
            try
            {
                return await call(first).ConfigureAwait(false);
            }
            catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConnectionError && second is not null && second != first)
            {
                // nothing was sent, so nothing happens twice
                return await GuardAsync(call(second)).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException { InnerException: TimeoutException })
            {
                throw NotReached(e);
            }
        }

        private static async Task<T> GuardAsync<T>(Task<T> call)
        {
            try
            {
                return await call.ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException { InnerException: TimeoutException })
            {
                throw NotReached(e);
            }
        }

        private static NebulaException NotReached(Exception e) =>
            new(ErrorKind.Transient, $"The durable extension of the Functions host cannot be reached: {e.Message}", inner: e);
    }
}
