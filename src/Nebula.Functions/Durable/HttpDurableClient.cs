using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Invocation;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Durable;

/// <summary>Asks the extension over its HTTP management API: for extensions that tell no gRPC address, and when that does not answer.</summary>
/// <param name="http">Sends the requests.</param>
/// <param name="input">Where the API is.</param>
internal sealed class HttpDurableClient(HttpClient http, DurableClientInput input) : IDurableClient
{
    private const string ContinuationHeader = "x-ms-continuation-token";

    public async Task<bool> StartAsync(StartInstance start, CancellationToken cancellationToken)
    {
        var path = $"orchestrators/{Escape(start.Name)}/{Escape(start.InstanceId)}";
        using var response = await SendAsync(HttpMethod.Post, path, [], start.Input, cancellationToken).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
            return true;
        // versions differ in how they refuse a duplicate: the instance itself tells
        if (await FindAsync(start.InstanceId, false, cancellationToken).ConfigureAwait(false) is { IsEnded: false })
            return false;
        throw await FailedAsync(response, $"start of '{start.InstanceId}'", cancellationToken).ConfigureAwait(false);
    }

    public async Task<InstanceState?> FindAsync(string instanceId, bool withPayloads, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"instances/{Escape(instanceId)}", [new("showInput", withPayloads ? "true" : "false")], null,
            cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;
        if (!response.IsSuccessStatusCode)
            throw await FailedAsync(response, $"query for '{instanceId}'", cancellationToken).ConfigureAwait(false);
        return ReadState(await ReadAsync(response, cancellationToken).ConfigureAwait(false));
    }

    public async Task<InstancePage> QueryAsync(InstanceQuery query, CancellationToken cancellationToken)
    {
        List<KeyValuePair<string, string>> parameters = [new("top", query.MaxInstances.ToString(CultureInfo.InvariantCulture)),
            new("showInput", query.WithPayloads ? "true" : "false")];
        if (query.InstanceIdPrefix is { } prefix)
            parameters.Add(new("instanceIdPrefix", prefix));
        if (query.Statuses.Count > 0)
            parameters.Add(new("runtimeStatus", string.Join(',', query.Statuses)));
        using var response = await SendAsync(HttpMethod.Get, "instances", parameters, null, cancellationToken, query.ContinuationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw await FailedAsync(response, "query for instances", cancellationToken).ConfigureAwait(false);
        var token = response.Headers.TryGetValues(ContinuationHeader, out var values) ? values.FirstOrDefault() : null;
        var list = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
        return new InstancePage(list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(ReadState)] : [],
            string.IsNullOrEmpty(token) ? null : token);
    }

    public Task RaiseEventAsync(string instanceId, string name, string input, CancellationToken cancellationToken) =>
        DoAsync(HttpMethod.Post, $"instances/{Escape(instanceId)}/raiseEvent/{Escape(name)}", [], input, $"event for '{instanceId}'", cancellationToken);

    public Task ControlAsync(InstanceControl control, string instanceId, string reason, CancellationToken cancellationToken)
    {
        var operation = control.ToString().ToLowerInvariant();
        return DoAsync(HttpMethod.Post, $"instances/{Escape(instanceId)}/{operation}", [new("reason", reason)], null, $"{operation} of '{instanceId}'",
            cancellationToken);
    }

    public async Task<int> PurgeAsync(DateTime from, DateTime to, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Delete, "instances",
            [new("createdTimeFrom", from.ToString("o", CultureInfo.InvariantCulture)), new("createdTimeTo", to.ToString("o", CultureInfo.InvariantCulture)),
             new("runtimeStatus", "Completed,Failed,Terminated")], null, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return 0;
        if (!response.IsSuccessStatusCode)
            throw await FailedAsync(response, "purge", cancellationToken).ConfigureAwait(false);
        var answer = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
        return answer.TryGetProperty("instancesDeleted", out var deleted) && deleted.TryGetInt32(out var count) ? count : 0;
    }

    private async Task DoAsync(
        HttpMethod method, string path, KeyValuePair<string, string>[] query, string? body, string what, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(method, path, query, body, cancellationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw await FailedAsync(response, what, cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, IEnumerable<KeyValuePair<string, string>> query, string? body, CancellationToken cancellationToken,
        string? continuation = null)
    {
        var address = new StringBuilder(input.HttpAddress!.AbsoluteUri.TrimEnd('/')).Append('/').Append(path).Append('?').Append(input.RequiredQuery);
        if (input.TaskHub is { } hub)
            query = query.Append(new("taskHub", hub));
        if (input.ConnectionName is { } connection)
            query = query.Append(new("connection", connection));
        foreach (var (name, value) in query)
            address.Append('&').Append(name).Append('=').Append(Escape(value));
        using var request = new HttpRequestMessage(method, address.ToString());
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (continuation is not null)
            request.Headers.Add(ContinuationHeader, continuation);
        return await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private static string Escape(string text) => Uri.EscapeDataString(text);

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken) =>
        EnvelopeValue.TryParse(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false))
            ?? throw new NebulaException(ErrorKind.Transient, "The durable extension's answer is no JSON.");

    private static async Task<NebulaException> FailedAsync(HttpResponseMessage response, string what, CancellationToken cancellationToken)
    {
        const int MaxText = 500;
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        var kind = (int)response.StatusCode switch
        {
            400 => ErrorKind.Configuration,
            401 or 403 => ErrorKind.Permission,
            404 => ErrorKind.NotFound,
            409 or 410 => ErrorKind.Locked,
            429 => ErrorKind.Throttled,
            501 => ErrorKind.Fatal,
            _ => ErrorKind.Transient,
        };
        return new NebulaException(kind, string.Create(CultureInfo.InvariantCulture,
            $"The durable extension refused the {what}: HTTP status {(int)response.StatusCode} {(text.Length > MaxText ? text[..MaxText] : text)}"));
    }

    private static InstanceState ReadState(JsonElement state)
    {
        var status = Enum.TryParse<OrchestrationStatus>(Text(state, "runtimeStatus"), out var known) ? known : OrchestrationStatus.Running;
        var output = Raw(state, "output");
        return new InstanceState(Text(state, "instanceId") ?? "", Text(state, "name") ?? "", status)
        {
            CreatedAt = Time(state, "createdTime"),
            LastUpdatedAt = Time(state, "lastUpdatedTime"),
            Input = Raw(state, "input"),
            Output = output,
            CustomStatus = Raw(state, "customStatus"),
            Failure = status == OrchestrationStatus.Failed ? new FailureDetails("", Text(state, "output") ?? output ?? "") : null,
        };
    }

    private static string? Text(JsonElement state, string name) =>
        state.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string? Raw(JsonElement state, string name) =>
        state.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetRawText() : null;

    private static DateTime Time(JsonElement state, string name) => DateTime.TryParse(Text(state, name), CultureInfo.InvariantCulture,
        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : default;
}
