using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Durable;

/// <summary>Asks the extension over gRPC on this machine: plain HTTP/2, one message each way.</summary>
/// <param name="http">Sends the requests.</param>
/// <param name="input">Where the extension listens.</param>
internal sealed class GrpcDurableClient(HttpClient http, DurableClientInput input) : IDurableClient
{
    private const int FrameHeader = 5;

    public async Task<bool> StartAsync(StartInstance start, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync("StartInstance", ClientMessageCodec.WriteStart(start), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (NebulaException e) when (e.Kind == ErrorKind.Locked)
        {
            return false;
        }
    }

    public async Task<InstanceState?> FindAsync(string instanceId, bool withPayloads, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await CallAsync("GetInstance", ClientMessageCodec.WriteGet(instanceId, withPayloads), cancellationToken).ConfigureAwait(false);
            return ClientMessageCodec.ReadInstance(answer.Span);
        }
        catch (NebulaException e) when (e.Kind == ErrorKind.NotFound)
        {
            return null;
        }
    }

    public async Task<InstancePage> QueryAsync(InstanceQuery query, CancellationToken cancellationToken) =>
        ClientMessageCodec.ReadPage((await CallAsync("QueryInstances", ClientMessageCodec.WriteQuery(query), cancellationToken).ConfigureAwait(false)).Span);

    public Task RaiseEventAsync(string instanceId, string name, string input, CancellationToken cancellationToken) =>
        CallAsync("RaiseEvent", ClientMessageCodec.WriteRaiseEvent(instanceId, name, input), cancellationToken);

    public Task ControlAsync(InstanceControl control, string instanceId, string reason, CancellationToken cancellationToken) =>
        CallAsync($"{control}Instance", ClientMessageCodec.WriteWithReason(instanceId, reason), cancellationToken);

    public async Task<int> PurgeAsync(DateTime from, DateTime to, CancellationToken cancellationToken)
    {
        var answer = await CallAsync("PurgeInstances", ClientMessageCodec.WritePurge(from, to), cancellationToken).ConfigureAwait(false);
        return ClientMessageCodec.ReadPurged(answer.Span);
    }

    private async Task<ReadOnlyMemory<byte>> CallAsync(string method, byte[] message, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(input.RpcAddress!, $"/TaskHubSidecarService/{method}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Frame(message)),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        if (input.TaskHub is { } hub)
            request.Headers.Add("Durable-TaskHub", hub);
        if (input.ConnectionName is { } connection)
            request.Headers.Add("Durable-ConnectionName", connection);
        using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        // the status stands behind the body, or among the headers when there is none
        var status = Header(response.TrailingHeaders, "grpc-status") ?? Header(response.Headers, "grpc-status");
        if (status != "0")
            throw Failed(method, status, Header(response.TrailingHeaders, "grpc-message") ?? Header(response.Headers, "grpc-message"), response.StatusCode);
        if (body.Length < FrameHeader || body[0] != 0 || BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(1)) != (uint)(body.Length - FrameHeader))
            throw new NebulaException(ErrorKind.Transient, $"The durable extension's answer to {method} is damaged: {body.Length} bytes are no message.");
        return body.AsMemory(FrameHeader);
    }

    private static byte[] Frame(byte[] message)
    {
        var frame = new byte[FrameHeader + message.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Length);
        message.CopyTo(frame, FrameHeader);
        return frame;
    }

    private static string? Header(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static NebulaException Failed(string method, string? status, string? message, HttpStatusCode code)
    {
        // numbers of the gRPC specification, "Status codes and their use in gRPC"
        var kind = status switch
        {
            "3" => ErrorKind.Configuration,
            "5" => ErrorKind.NotFound,
            "6" or "9" => ErrorKind.Locked,
            "7" => ErrorKind.Permission,
            "12" => ErrorKind.Fatal,
            _ => ErrorKind.Transient,
        };
        var said = message is null ? string.Create(CultureInfo.InvariantCulture, $"HTTP status {(int)code}") : Uri.UnescapeDataString(message);
        return new NebulaException(kind, $"The durable extension refused {method}: {said} (gRPC status {status ?? "missing"}).");
    }
}
