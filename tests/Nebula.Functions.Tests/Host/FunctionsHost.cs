using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Nebula.Functions.Hosting;

namespace Nebula.Functions.Tests.Host;

/// <summary>An answer to a caller of the HTTP API.</summary>
internal sealed record ApiAnswer(int Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonNode Json => JsonNode.Parse(Body)!;
}

/// <summary>What became of a message of a queue.</summary>
internal sealed record Delivery(int Attempts, bool IsPoison);

/// <summary>
/// The Functions host: reads the function folders, starts handlers, calls functions with envelopes and judges answers as the host does, over the durable
/// extension of others.
/// </summary>
internal sealed class FunctionsHost : IAsyncDisposable
{
    public const string Key = "the-function-key";
    private const int MaxDequeueCount = 5;
    private readonly Dictionary<string, JsonArray> _functions;
    private readonly List<HandlerProcess> _handlers = [];
    private DurableExtension _extension = null!;
    private readonly List<ActivityCall> _ended = [];
    private int _next;

    private FunctionsHost(string root)
    {
        FunctionList.Write(Path.Combine(root, "app"));
        _functions = Directory.GetFiles(Path.Combine(root, "app"), "function.json", SearchOption.AllDirectories).ToDictionary(
            static file => Path.GetFileName(Path.GetDirectoryName(file)!), static file => JsonNode.Parse(File.ReadAllText(file))!["bindings"]!.AsArray());
    }

    /// <summary>The handlers: one for each instance of the app.</summary>
    public IReadOnlyList<HandlerProcess> Handlers => _handlers;

    /// <summary>The extension.</summary>
    public DurableExtension Extension => _extension;

    /// <summary>Whether clients are told the extension's gRPC address.</summary>
    public bool TellsRpcAddress { get; set; } = true;

    /// <summary>Whether each activity is run again after it has ended, as when its answer was lost.</summary>
    public bool RunsActivitiesTwice { get; set; }

    /// <summary>Whether each activity is run by two handlers at once, as when the host believes that the first is dead. The answer that comes first counts;
    /// the orchestration goes on when both have ended.</summary>
    public bool RunsActivitiesAtOnce { get; set; }

    /// <summary>How many activities have ended.</summary>
    public int Ended
    {
        get
        {
            lock (_ended)
                return _ended.Count;
        }
    }

    /// <summary>Chooses among the activities that have ended one that another handler runs once more, beside the one that is called now, as when its message
    /// was not removed from the queue. Its answer is lost.</summary>
    public Func<IReadOnlyList<ActivityCall>, ActivityCall?> RepeatsLate { get; set; } = static _ => null;

    /// <summary>Called for each activity; true loses its answer.</summary>
    public Func<ActivityCall, bool> LosesAnswer { get; set; } = static _ => false;

    /// <summary>Called for each turn; true loses it: the handler dies with the request in its hands.</summary>
    public Func<Turn, bool> LosesTurn { get; set; } = static _ => false;

    /// <summary>Calls of functions, and the requests' trace contexts.</summary>
    public ConcurrentQueue<(string Function, string TraceParent)> Calls { get; } = new();

    /// <summary>Turns, request and answer.</summary>
    public ConcurrentQueue<(string Request, string? Answer)> Turns { get; } = new();

    /// <summary>Starts the host.</summary>
    /// <param name="folder">The app's folder, with <c>streams.txt</c> and <c>pipelines</c>.</param>
    /// <param name="handlers">Instances of the app.</param>
    /// <param name="variables">App settings.</param>
    /// <param name="canRewind">Whether the storage can rewind instances.</param>
    public static async Task<FunctionsHost> StartAsync(
        string folder, int handlers = 1, IReadOnlyDictionary<string, string>? variables = null, bool canRewind = true)
    {
        var host = new FunctionsHost(folder);
        for (var i = 0; i < handlers; i++)
            host._handlers.Add(new HandlerProcess(folder, variables ?? new Dictionary<string, string>()));
        host._extension = await DurableExtension.StartAsync(host.RunTurnAsync, host.RunActivityAsync, canRewind);
        foreach (var handler in host._handlers)
            await handler.ReadyAsync();
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        await _extension.DisposeAsync();
        foreach (var handler in _handlers)
            await handler.DisposeAsync();
    }

    /// <summary>A caller's request.</summary>
    public async Task<ApiAnswer> RequestAsync(
        string method, string pathAndQuery, string? body = null, string? key = Key, (string Name, string Value)? header = null)
    {
        var url = new Uri(new Uri("https://app.test"), pathAndQuery);
        foreach (var (name, bindings) in _functions)
        {
            var trigger = bindings[0]!;
            if ((string)trigger["type"]! != "httpTrigger"
                || !trigger["methods"]!.AsArray().Any(allowed => method.Equals((string)allowed!, StringComparison.OrdinalIgnoreCase)))
                continue;
            if (Route((string)trigger["route"]!, url.AbsolutePath) is not { } parameters)
                continue;
            if ((string)trigger["authLevel"]! != "anonymous" && key != Key)
                return new ApiAnswer(401, "", new Dictionary<string, string>());
            return await CallHttpAsync(name, method, url, parameters, body, header);
        }
        return new ApiAnswer(404, "", new Dictionary<string, string>());
    }

    /// <summary>A tick of a timer.</summary>
    public Task TickAsync(string function) => InvokeAsync(function, new JsonObject
    {
        ["Schedule"] = new JsonObject { ["AdjustForDST"] = true },
        ["ScheduleStatus"] = null,
        ["IsPastDue"] = false,
    }, null, null);

    /// <summary>A message of a storage queue, delivered until it is done or poison.</summary>
    public Task<Delivery> DeliverAsync(string queue, string text, string? id = null) => DeliverAsync("queueTrigger", queue, text, attempt => new JsonObject
    {
        ["DequeueCount"] = HostEnvelope.Raw(attempt.ToString(CultureInfo.InvariantCulture)),
        ["Id"] = HostEnvelope.Text(id ?? Guid.NewGuid().ToString()),
        ["InsertionTime"] = HostEnvelope.Text(DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss+00:00", CultureInfo.InvariantCulture)),
        ["PopReceipt"] = HostEnvelope.Text("AgAAAAMAAAAAAAAA"),
    });

    /// <summary>A message of a Service Bus queue, delivered until it is done or a dead letter.</summary>
    public Task<Delivery> DeliverServiceBusAsync(string queue, string text, string id) =>
        DeliverAsync("serviceBusTrigger", queue, text, attempt => new JsonObject
        {
            ["MessageId"] = HostEnvelope.Text(id),
            ["DeliveryCount"] = HostEnvelope.Raw(attempt.ToString(CultureInfo.InvariantCulture)),
            ["SequenceNumber"] = HostEnvelope.Raw("7"),
            ["EnqueuedTimeUtc"] = HostEnvelope.Text(DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)),
            ["ApplicationProperties"] = new JsonObject(),
            ["MessageReceiver"] = new JsonObject { ["Some"] = "client object" },
        });

    /// <summary>Waits until the instances are as wanted.</summary>
    public async Task<IReadOnlyList<KeptInstance>> UntilAsync(Func<IReadOnlyList<KeptInstance>, bool> isReached)
    {
        for (var begin = DateTime.UtcNow; ; await Task.Delay(20))
        {
            var instances = await _extension.InspectAsync();
            if (isReached(instances))
                return instances;
            if (DateTime.UtcNow - begin > TimeSpan.FromSeconds(90))
                Assert.Fail($"Not reached. {string.Join('\n', instances.Where(i => !i.IsEnded || i.Status == 3))}\n{Log()}");
        }
    }

    /// <summary>Waits until an instance has ended.</summary>
    public async Task<KeptInstance> EndOfAsync(string instance) =>
        (await UntilAsync(all => all.Any(one => one.Id == instance && one.IsEnded))).First(one => one.Id == instance);

    /// <summary>Waits until a handler has written something: lines arrive on another way than answers.</summary>
    public async Task LoggedAsync(string text)
    {
        for (var begin = DateTime.UtcNow; !Log().Contains(text, StringComparison.Ordinal); await Task.Delay(20))
            Assert.True(DateTime.UtcNow - begin < TimeSpan.FromSeconds(30), $"'{text}' is not in the log:\n{Log()}");
    }

    /// <summary>All that the handlers wrote so far.</summary>
    public string Log() => string.Join('\n', _handlers.SelectMany(handler => handler.Output.Concat(handler.Errors)));

    /// <summary>Sends an invocation to one of the handlers, as the host does.</summary>
    /// <exception cref="HttpRequestException">It failed; this text is all that the host keeps.</exception>
    public async Task<JsonObject> PostAsync(HandlerProcess handler, string function, JsonObject envelope)
    {
        using var request = new HttpRequestMessage { Content = new StringContent(envelope.ToJsonString(), Encoding.UTF8, "application/json") };
        var trace = $"00-{Guid.NewGuid():n}-{Guid.NewGuid().ToString("n")[..16]}-01";
        request.Headers.Add("X-Azure-Functions-InvocationId", Guid.NewGuid().ToString());
        request.Headers.Add("X-Azure-Functions-HostVersion", "4.1037.0.0");
        request.Headers.UserAgent.ParseAdd("Azure-Functions-Host/4.1037.0.0");
        request.Headers.Add("traceparent", trace);
        Calls.Enqueue((function, trace));
        using var response = await handler.SendAsync(function, request);
        response.EnsureSuccessStatusCode();
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        // without an object the host never completes the invocation
        return Assert.IsType<JsonObject>(JsonNode.Parse(await response.Content.ReadAsStringAsync()));
    }

    private HandlerProcess NextHandler() => _handlers[(int)((uint)Interlocked.Increment(ref _next) % _handlers.Count)];

    private Task<JsonObject> InvokeAsync(string function, JsonNode trigger, JsonObject? metadata, string? triggerText)
    {
        var data = new JsonObject { [(string)_functions[function][0]!["name"]!] = trigger };
        if (_functions[function].Any(binding => (string)binding!["type"]! == "durableClient"))
            data["starter"] = HostEnvelope.Text(new JsonObject
            {
                ["taskHubName"] = "NebulaHub",
                ["connectionName"] = null,
                ["creationUrls"] = null,
                ["managementUrls"] = null,
                ["baseUrl"] = null,
                ["requiredQueryStringParameters"] = "code=system-key",
                ["rpcBaseUrl"] = TellsRpcAddress ? _extension.RpcAddress : null,
                ["httpBaseUrl"] = _extension.HttpAddress,
            }.ToJsonString());
        return PostAsync(NextHandler(), function, new JsonObject { ["Data"] = data, ["Metadata"] = HostEnvelope.Metadata(function, metadata, triggerText) });
    }

    private async Task<Delivery> DeliverAsync(string type, string queue, string text, Func<int, JsonObject> metadata)
    {
        var function = _functions.First(entry => (string)entry.Value[0]!["type"]! == type && (string)entry.Value[0]!["queueName"]! == queue).Key;
        for (var attempt = 1; attempt <= MaxDequeueCount; attempt++)
            try
            {
                await InvokeAsync(function, HostEnvelope.Text(text), metadata(attempt), text);
                return new Delivery(attempt, false);
            }
            catch (HttpRequestException)
            {
                // delivered again
            }
        return new Delivery(MaxDequeueCount, true);
    }

    private async Task<ApiAnswer> CallHttpAsync(
        string function, string method, Uri url, JsonObject parameters, string? body, (string Name, string Value)? header)
    {
        var headers = new JsonObject { ["Content-Type"] = new JsonArray("application/json") };
        if (header is { } more)
            headers[more.Name] = new JsonArray(more.Value);
        var request = new JsonObject
        {
            ["Url"] = url.AbsoluteUri,
            ["Method"] = method,
            ["Query"] = new JsonObject(System.Web.HttpUtility.ParseQueryString(url.Query) is var query
                ? query.AllKeys.Select(name => KeyValuePair.Create(name!, (JsonNode?)query[name])) : []),
            ["Headers"] = headers,
            ["Params"] = parameters,
            ["Identities"] = new JsonArray(),
        };
        if (!string.IsNullOrEmpty(body))
            request["Body"] = body;
        JsonObject answer;
        try
        {
            answer = await InvokeAsync(function, request, null, null);
        }
        catch (HttpRequestException)
        {
            return new ApiAnswer(500, "", new Dictionary<string, string>());
        }
        var res = answer["Outputs"]?["res"];
        var status = res?["statusCode"];
        return new ApiAnswer(status is null ? 200 : int.Parse(status.ToString(), CultureInfo.InvariantCulture), (string?)res?["body"] ?? "",
            res?["headers"]?.AsObject().ToDictionary(entry => entry.Key, entry => (string)entry.Value!, StringComparer.OrdinalIgnoreCase) ?? []);
    }

    private async Task<JsonObject> RunTurnAsync(Turn turn)
    {
        var handler = NextHandler();
        var envelope = new JsonObject
        {
            ["Data"] = new JsonObject { ["context"] = HostEnvelope.Text(turn.Body) },
            ["Metadata"] = HostEnvelope.Metadata(turn.Name, null, null),
        };
        try
        {
            if (LosesTurn(turn))
                return await DieWithAsync(handler, turn.Name, envelope);
            var answer = (string?)(await PostAsync(handler, turn.Name, envelope))["ReturnValue"];
            Turns.Enqueue((turn.Body, answer));
            Assert.False(string.IsNullOrEmpty(answer));
            return new JsonObject { ["body"] = answer };
        }
        catch (HttpRequestException)
        {
            return new JsonObject { ["failed"] = $"Function '{turn.Name}' failed with an unhandled exception." };
        }
    }

    /// <summary>Stops the handler, so that it has the request and does not get to it, and kills it.</summary>
    private async Task<JsonObject> DieWithAsync(HandlerProcess handler, string function, JsonObject envelope)
    {
        const int Stop = 19;
        await handler.ReadyAsync();
        var exits = handler.ExitCodes.Count;
        handler.Signal(Stop);
        var post = PostAsync(handler, function, envelope);
        await Task.Yield();
        handler.Kill();
        // the host sees the end of the process before it sends the next call
        await handler.RestartedAsync(exits + 1);
        return await post;
    }

    private async Task<JsonObject> RunActivityAsync(ActivityCall call)
    {
        ActivityCall? late;
        lock (_ended)
            late = RepeatsLate([.. _ended]);
        var repeating = late is null ? null : RunOnceAsync(late);
        var answer = await RunOnceAsync(call);
        if (repeating is not null)
            await repeating;
        lock (_ended)
            _ended.Add(call);
        return answer;
    }

    private async Task<JsonObject> RunOnceAsync(ActivityCall call)
    {
        // parsed and printed again, so that it must be JSON
        var input = call.Input is null ? null : JsonNode.Parse(call.Input)?.ToJsonString() ?? "null";
        var metadata = new JsonObject { ["instanceId"] = HostEnvelope.Text(call.Instance) };
        if (input is not null)
            metadata["data"] = HostEnvelope.TryParse(input) is JsonObject map ? map : HostEnvelope.Raw(input);
        try
        {
            if (RunsActivitiesTwice)
                await SendAsync();
            var answer = await (RunsActivitiesAtOnce ? FirstAsync(SendAsync(), SendAsync()) : SendAsync());
            if (LosesAnswer(call))
                throw new HttpRequestException("The response ended prematurely.");
            return new JsonObject { ["json"] = HostEnvelope.Rewrite(answer["ReturnValue"])?.ToJsonString() ?? "null" };
        }
        catch (HttpRequestException e)
        {
            return new JsonObject
            {
                ["failure"] = new JsonObject
                {
                    ["type"] = "Microsoft.Azure.WebJobs.Host.FunctionInvocationException",
                    ["message"] = $"Exception while executing function: Functions.{call.Name}",
                    ["inner"] = new JsonObject { ["type"] = "System.Net.Http.HttpRequestException", ["message"] = e.Message },
                },
            };
        }

        async Task<JsonObject> FirstAsync(Task<JsonObject> one, Task<JsonObject> other)
        {
            var first = await Task.WhenAny(one, other);
            await Task.WhenAll(one, other);
            return await first;
        }

        Task<JsonObject> SendAsync() => PostAsync(NextHandler(), call.Name, new JsonObject
        {
            ["Data"] = new JsonObject { ["inputTrigger"] = input is null ? HostEnvelope.Raw("null") : HostEnvelope.Text(input) },
            ["Metadata"] = HostEnvelope.Metadata(call.Name, (JsonObject)metadata.DeepClone(), input),
        });
    }

    /// <summary>The parameters of a route, when a path fits it.</summary>
    private static JsonObject? Route(string route, string path)
    {
        var wanted = $"api/{route}".Split('/');
        var parts = path.Trim('/').Split('/');
        if (wanted.Length != parts.Length)
            return null;
        var parameters = new JsonObject();
        for (var i = 0; i < wanted.Length; i++)
            if (wanted[i] is ['{', .. var name, '}'])
                parameters[name] = Uri.UnescapeDataString(parts[i]);
            else if (wanted[i] != parts[i])
                return null;
        return parameters;
    }
}
