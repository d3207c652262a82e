using System.Globalization;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Hosting;

/// <summary>The app settings that the handler reads: the host hands them on as variables.</summary>
internal sealed record AppSettings
{
    /// <summary>Every setting that is read, with its meaning; what the host itself sets is not among them.</summary>
    public static IReadOnlyDictionary<string, string> Known { get; } = new Dictionary<string, string>
    {
        ["NEBULA_PIPELINES"] = "Folder of the pipeline files, within the app. pipelines.",
        ["NEBULA_STATE"] = "Where state is kept: a folder, or the URL of a blob container or of a folder in one. state.",
        ["NEBULA_ACTIVITY_TIMEOUT"] = "Longest time of one activity, such as the transfer of one chunk, with a unit. 30m.",
        ["NEBULA_ACTIVITIES"] = "Most activities at the same time in one instance of the app. Two for each processor.",
        ["NEBULA_MEMORY"] = "Memory of an instance that the app may use, with a unit; its activities share it. Five eighths of what the instance has.",
        ["NEBULA_PARALLEL_CHUNKS"] = "Most chunks of one stream at the same time, over all instances. 32.",
        ["NEBULA_HISTORY_DAYS"] = "Days that ended runs are kept. 30.",
        ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = "Where traces go: Application Insights. Nowhere.",
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "Where traces go: a collector of OpenTelemetry. Nowhere.",
    };

    /// <summary>Least memory that the handler works with.</summary>
    public const long LeastMemory = 192_000_000;

    /// <summary>The port of 127.0.0.1 on which the host calls.</summary>
    public required int Port { get; init; }

    /// <summary>The folder of the pipeline files.</summary>
    public required string Pipelines { get; init; }

    /// <summary>Where state is kept.</summary>
    public required string State { get; init; }

    /// <summary>Longest time of one activity.</summary>
    public TimeSpan ActivityTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How often an activity looks whether its run was ended from outside.</summary>
    public TimeSpan TerminationInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a message that cannot be used now is kept from a queue that delivers again at once.</summary>
    public TimeSpan RedeliveryPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most activities at the same time in this process.</summary>
    public int Activities { get; init; } = 2 * Environment.ProcessorCount;

    /// <summary>Memory that this process may use; the host beside it needs the rest.</summary>
    public long Memory { get; init; } = Math.Max(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8 * 5, LeastMemory);

    /// <summary>Days that ended runs are kept.</summary>
    public int HistoryDays { get; init; } = 30;

    /// <summary>How runs use the app.</summary>
    public SyncSettings Sync { get; init; } = new() { ParallelChunks = 32 };

    /// <summary>Where traces go, for Application Insights; null for nowhere.</summary>
    public string? ApplicationInsights { get; init; }

    /// <summary>Where traces go, for OpenTelemetry; null for nowhere.</summary>
    public string? OtlpEndpoint { get; init; }

    /// <summary>Reads the settings.</summary>
    /// <param name="variable">Looks up a variable.</param>
    /// <exception cref="NebulaException">One is missing or wrong.</exception>
    public static AppSettings Read(Func<string, string?> variable)
    {
        var root = variable("FUNCTIONS_APP_ROOT_PATH") is { Length: > 0 } path ? path : Environment.CurrentDirectory;
        var read = new Reader(variable);
        if (read.Text("FUNCTIONS_WORKER_RUNTIME") is { } runtime && !runtime.Equals("custom", StringComparison.OrdinalIgnoreCase))
            throw NebulaException.Configuration(
                $"FUNCTIONS_WORKER_RUNTIME is '{runtime}'. It must be 'custom': the durable extension speaks another protocol otherwise.");
        var state = read.Text("NEBULA_STATE") ?? "state";
        var parallel = read.Integer("NEBULA_PARALLEL_CHUNKS", 1, 1_000);
        var settings = new AppSettings
        {
            Port = read.Integer("FUNCTIONS_CUSTOMHANDLER_PORT", 1, 65_535) ?? throw NebulaException.Configuration(
                "FUNCTIONS_CUSTOMHANDLER_PORT is not set. This program is a custom handler of Azure Functions: start it with 'func start', not by itself."),
            Pipelines = Path.GetFullPath(Path.Combine(root, read.Text("NEBULA_PIPELINES") ?? "pipelines")),
            State = state.Contains("://", StringComparison.Ordinal) ? state : Path.GetFullPath(Path.Combine(root, state)),
            ApplicationInsights = read.Text("APPLICATIONINSIGHTS_CONNECTION_STRING"),
            OtlpEndpoint = read.Text("OTEL_EXPORTER_OTLP_ENDPOINT"),
        };
        return settings with
        {
            ActivityTimeout = read.Duration("NEBULA_ACTIVITY_TIMEOUT") ?? settings.ActivityTimeout,
            Activities = read.Integer("NEBULA_ACTIVITIES", 1, 1_000) ?? settings.Activities,
            Memory = read.Size("NEBULA_MEMORY", LeastMemory) ?? settings.Memory,
            HistoryDays = read.Integer("NEBULA_HISTORY_DAYS", 1, 3_650) ?? settings.HistoryDays,
            Sync = settings.Sync with { ParallelChunks = parallel ?? settings.Sync.ParallelChunks },
        };
    }

    private readonly struct Reader(Func<string, string?> variable)
    {
        public string? Text(string name) => variable(name) is { Length: > 0 } text ? text : null;

        public int? Integer(string name, int least, int greatest)
        {
            if (Text(name) is not { } text)
                return null;
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= greatest
                ? value : throw NebulaException.Configuration($"{name} must be a whole number from {least} to {greatest}; it is '{text}'.");
        }

        public long? Size(string name, long least)
        {
            if (Text(name) is not { } text)
                return null;
            return Units.ParseSize(text) is { } value && value >= least ? value : throw NebulaException.Configuration(
                $"{name} must be a size with a unit, such as 1GB, and at least {Units.FormatSize(least)}; it is '{text}'.");
        }

        public TimeSpan? Duration(string name)
        {
            if (Text(name) is not { } text)
                return null;
            return Units.ParseDuration(text) is { } value && value > TimeSpan.Zero && value < TimeSpan.FromDays(20)
                ? value : throw NebulaException.Configuration($"{name} must be a duration with a unit, such as 30m; it is '{text}'.");
        }
    }
}
