using System.Globalization;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Orchestration.Planning;

/// <summary>Turns a pipeline into the streams to run: finds connectors and streams, gives each stream its settings, and refuses what cannot work before
/// anything starts.</summary>
/// <param name="pipeline">The pipeline.</param>
/// <param name="connectors">The connectors that are there.</param>
/// <param name="runId">Identity of the run; a new one when null.</param>
/// <param name="startedAt">When it started, UTC; now when null.</param>
public sealed class RunPlanner(PipelineConfig pipeline, ConnectorRegistry connectors, string? runId = null, DateTime? startedAt = null)
{
    private const string StandardOutput = "-";
    private const long ChunkBytes = 256 << 20;

    // chunks of one file come one by one, the pipeline runs dry between them, and no other worker is waiting for one: larger ones cost less, and are
    // still moved again within seconds
    private const long ChunkBytesInOrder = 1 << 30;

    // below this, filling a block before it is handed on would take longer than the user wants to wait
    private static readonly TimeSpan LatencyMatters = TimeSpan.FromSeconds(1);
    private static readonly Dictionary<string, OptionValue> NoOptions = [];
    private readonly DateTime _now = startedAt ?? DateTime.UtcNow;
    private int _sourceStreams;
    private ConnectionShares? _connections;

    /// <summary>Identity of the run: sorts by time, and is short enough for names of temporary files.</summary>
    public string RunId { get; } = runId ?? $"{Compact(DateTime.UtcNow)}-{Random.Shared.Next(0x1000000):x6}";

    /// <summary>Makes the source as the pipeline's connection describes it.</summary>
    public ISource OpenSource() => CreateSource(NoOptions)();

    /// <summary>Makes the destination as the pipeline's connection describes it.</summary>
    public IDestination OpenDestination() => CreateDestination(NoOptions)();

    /// <summary>Gives the settings of the streams that a run would move.</summary>
    /// <param name="only">Names or wildcards of the streams wanted; empty for all.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="NebulaException">The source has no such streams, or an option is wrong.</exception>
    public async Task<IReadOnlyList<StreamConfig>> FindStreamsAsync(IReadOnlyList<string> only, CancellationToken cancellationToken) =>
        Resolve(await ListAsync(only, cancellationToken).ConfigureAwait(false), only);

    /// <summary>Plans a run.</summary>
    /// <param name="only">Names or wildcards of the streams wanted; empty for all.</param>
    /// <param name="cancellationToken">Stops the planning.</param>
    /// <exception cref="NebulaException">Something cannot work.</exception>
    public async Task<RunPlan> PlanAsync(IReadOnlyList<string> only, CancellationToken cancellationToken)
    {
        // the target first: that its connector or options are wrong is known without looking for streams
        _ = CreateDestination(NoOptions);
        return await PlanAsync(await ListAsync(only, cancellationToken).ConfigureAwait(false), only).ConfigureAwait(false);
    }

    /// <summary>Plans a run of a source whose streams are known.</summary>
    /// <param name="found">The streams.</param>
    /// <param name="only">Names or wildcards of the streams wanted; empty for all.</param>
    /// <exception cref="NebulaException">Something cannot work.</exception>
    public async Task<RunPlan> PlanAsync(SourceStreams found, IReadOnlyList<string> only)
    {
        var streams = Resolve(found, only);
        _connections = ConnectionShares.Of(
            (UseOf(pipeline.Source, static connector => connector.SourceOptions), pipeline.Source.Location),
            (UseOf(pipeline.Target, static connector => connector.DestinationOptions), pipeline.Target.Location), streams, streams.Min(stream => Math.Min(
                Math.Min(streams.Count, pipeline.Settings.ParallelStreams), stream.Performance.MaxConcurrency ?? int.MaxValue)));
        var parallel = _connections.Streams;
        var bytes = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var i = 0; i < found.Names.Count; i++)
            bytes.Add(found.Names[i], found.Bytes[i] ?? 0);
        var jobs = new List<StreamJob>(streams.Count);
        foreach (var stream in streams)
        {
            var size = 0L;
            foreach (var member in stream.Members)
                size += bytes.GetValueOrDefault(member);
            jobs.Add(await PlanAsync(stream, streams.Count, parallel, size).ConfigureAwait(false));
        }
        StreamResolver.CheckObjects(streams, [.. jobs.Select(static job => job.Target)]);
        return new RunPlan
        {
            Name = pipeline.Name,
            RunId = RunId,
            StartedAt = _now,
            Found = found,
            Only = only,
            Jobs = jobs,
            Fingerprint = new Lazy<string>(() => RunFingerprint.Of(pipeline, streams)),
            ParallelStreams = parallel,
            Memory = pipeline.Settings.Memory,
            Timeout = Shorter(pipeline.Settings.Timeout, pipeline.Settings.MaxDuration),
        };
    }

    /// <summary>Makes the source of a stream.</summary>
    public Func<ISource> SourceOf(StreamConfig stream) => CreateSource(stream.SourceOptions);

    /// <summary>Makes the destination of a stream.</summary>
    public Func<IDestination> DestinationOf(StreamConfig stream) => CreateDestination(stream.TargetOptions);

    /// <summary>What is read of a stream.</summary>
    public StreamRequest RequestOf(StreamConfig stream)
    {
        var types = new Dictionary<string, DataType>();
        var names = new Dictionary<string, string>();
        foreach (var (column, settings) in stream.Columns)
        {
            if (settings.Type is not null)
                types.Add(column, settings.Type);
            if (settings.Name is not null)
                names.Add(column, settings.Name);
        }
        return new StreamRequest
        {
            Streams = stream.Members.Length == _sourceStreams ? [] : stream.Members,
            AsOneStream = stream.IsSingle,
            Select = stream.Select,
            Lossy = stream.Lossy,
            IsIncremental = stream.Mode == SyncMode.Incremental,
            Write = stream.Write,
            PrimaryKey = stream.PrimaryKey,
            Contract = stream.Contract,
            Cursor = stream.Cursor,
            Where = stream.Where,
            Sql = stream.Sql,
            Capture = stream.Mode is SyncMode.ChangeCapture or SyncMode.ChangesOnly ? CaptureOf(stream) : null,
            StartedAt = _now,
            Types = types,
            Names = names,
        };
    }

    /// <summary>Refuses settings that the source cannot follow.</summary>
    private void CheckSource(StreamConfig stream)
    {
        var connector = Find(pipeline.Source);
        var queries = stream.Sql is not null ? "sql" : stream.Where is not null ? "where" : stream.Cursor is not null ? "update_key" : null;
        if (queries is not null && !connector.TakesQueries)
            throw NebulaException.Configuration($"'{queries}' is for databases; {connector.Name} has no SQL.", stream.LocationOf(queries));
        if (stream.Mode is not (SyncMode.ChangeCapture or SyncMode.ChangesOnly))
            return;
        if (!connector.CapturesChanges)
            throw NebulaException.Configuration(
                $"'mode: cdc' needs a log of changes, which {connector.Name} does not have. Use full-refresh or incremental.",
                stream.LocationOf("mode"));
        if (queries is not null)
            throw NebulaException.Configuration(
                $"'{queries}' has no place in 'mode: cdc': the log has all changes of a table. Use 'mode: incremental', or leave '{queries}' out.",
                stream.LocationOf(queries));
        if (stream.Limit is not null || stream.BadRows != BadRowPolicy.Fail)
            throw NebulaException.Configuration(
                "'limit' and 'bad_rows' have no place in 'mode: cdc': a row that is left out would be missing for the changes behind it.",
                stream.LocationOf(stream.Limit is not null ? "limit" : "on_error"));
    }

    private ChangeCapture CaptureOf(StreamConfig stream)
    {
        const int LongestName = 63;
        var name = string.Concat("nebula_", string.Concat(pipeline.Name.ToLowerInvariant().Select(static c => char.IsAsciiLetterOrDigit(c) ? c : '_')));
        name = name[..Math.Min(name.Length, LongestName)];
        var (slot, publication) = (stream.Capture.Slot ?? name, stream.Capture.Publication ?? name);
        var options = new Dictionary<string, string>
        {
            ["slot"] = slot,
            ["publication"] = publication,
            ["heartbeat"] = stream.Capture.Heartbeat.ToString("c", CultureInfo.InvariantCulture),
        };
        if (stream.Capture.IsFailover)
            options["failover"] = "true";
        // like the folder of the state it is beside the pipeline file
        if (stream.Capture.SpoolPath is { } spool)
            options["spool_path"] = Path.GetFullPath(spool, Path.GetDirectoryName(Path.GetFullPath(pipeline.Location.Name)) ?? ".");
        if (stream.Capture.SpoolSize is { } size)
            options["spool_size"] = size.ToString(CultureInfo.InvariantCulture);
        return new ChangeCapture($"{slot}/{publication}")
        {
            Deletes = stream.Capture.Deletes,
            OnPositionLost = stream.Capture.OnPositionLost,
            ChangesOnly = stream.Mode == SyncMode.ChangesOnly,
            Options = options,
        };
    }

    /// <summary>Finds what the source has, and the sizes of what is wanted of it.</summary>
    private async Task<SourceStreams> ListAsync(IReadOnlyList<string> only, CancellationToken cancellationToken)
    {
        var source = OpenSource();
        await using (source.ConfigureAwait(false))
        {
            var catalog = await source.DiscoverAsync(new DiscoverRequest { NamesOnly = true }, cancellationToken).ConfigureAwait(false);
            var sizes = new OrderedDictionary<string, long?>(StringComparer.Ordinal);
            foreach (var stream in catalog.Streams)
                sizes.Add(stream.Name, stream.Bytes);
            // who tells none of them would have had to look for all
            if (sizes.Values.Any(static bytes => bytes is not null))
                return SourceStreams.Of(sizes);
            List<string> wanted = [.. Resolve(SourceStreams.Of(sizes), only).SelectMany(static stream => stream.Members).Where(sizes.ContainsKey)];
            if (wanted.Count > 0)
            {
                var sized = await source.DiscoverAsync(new DiscoverRequest { NamesOnly = true, Streams = wanted }, cancellationToken).ConfigureAwait(false);
                foreach (var stream in sized.Streams)
                    sizes[stream.Name] = stream.Bytes;
            }
            return SourceStreams.Of(sizes);
        }
    }

    private IReadOnlyList<StreamConfig> Resolve(SourceStreams found, IReadOnlyList<string> only)
    {
        _sourceStreams = found.Names.Count;
        return new StreamResolver(pipeline).Resolve(found.Names, only);
    }

    private async Task<StreamJob> PlanAsync(StreamConfig stream, int streams, int parallel, long? bytes)
    {
        CheckSource(stream);
        var createDestination = DestinationOf(stream);
        var variables = Variables(stream);
        var destination = createDestination();
        await using (destination.ConfigureAwait(false))
        {
            var name = stream.Object?.Render(variables, kept: "part") ?? destination.NameObject(NameOf(stream));
            var target = destination.LocationOf(name);
            if (stream.Contract != new SchemaContract() && !destination.Capabilities.KeepsSchema)
                throw NebulaException.Configuration(
                    "'schema' can only be about 'lossy' here: the target's files have the columns of the rows that are in them.", stream.LocationOf("schema"));
            if (stream.Write == WriteMode.Merge && !destination.Capabilities.MergesRows)
                throw NebulaException.Configuration("The target can only add rows, not merge them. Use 'write: append'.", stream.LocationOf("write"));
            await CheckRepairAsync(stream, destination).ConfigureAwait(false);
            if (streams > 1 && stream.Object is null && !destination.Capabilities.AcceptsManyStreams)
                throw NebulaException.Configuration(
                    $"{streams} streams cannot all be written to '{target}'. Make them one stream with 'single: true', "
                    + $"give the target a folder (path: {target}/), or set 'object' to a name with {{stream_name}} in it.",
                    pipeline.Target.Location);
            var request = RequestOf(stream) with { Object = name };
            return new StreamJob
            {
                Name = DisplayName(stream),
                Target = target,
                OutputIsData = target == StandardOutput,
                OpenSource = SourceOf(stream),
                OpenDestination = createDestination,
                TargetOptions = stream.TargetOptions,
                FlushInterval = stream.Performance.FlushInterval,
                Request = request,
                Options = new PipelineOptions
                {
                    Workers = stream.Performance.Workers ?? Environment.ProcessorCount,
                    MemoryLimit = await MemoryOfAsync(stream, destination, parallel).ConfigureAwait(false),
                    RowLimit = stream.Limit,
                    Verify = stream.Verify,
                    Storage = stream.Storage.Mode,
                    BatchSize = stream.Performance.BatchSize,
                    PreferLatency = stream.Performance.FlushInterval < LatencyMatters,
                    BadRows = new BadRowOptions { Policy = stream.BadRows, Max = stream.MaxBadRows },
                },
                QuarantinePath = stream.BadRows != BadRowPolicy.Quarantine ? null
                    : stream.QuarantinePath?.Render(variables) ?? QuarantineBeside(target),
                Bytes = bytes,
                // a number of rows, good or bad, is counted by one reader
                ChunkBytes = stream.Limit is not null || stream.MaxBadRows is not null || stream.BadRows == BadRowPolicy.Quarantine ? null
                    : stream.ChunkBytes ?? (destination.ChunksOf(name, request.WriteInto(destination.Capabilities)) == ChunkOrder.InOrder ? ChunkBytesInOrder : ChunkBytes),
            };
        }
    }

    /// <summary>Refuses the repair of what cannot be compared.</summary>
    private async Task CheckRepairAsync(StreamConfig stream, IDestination destination)
    {
        if (stream.Mode is not (SyncMode.ChangeCapture or SyncMode.ChangesOnly) || stream.Capture.OnPositionLost != PositionLoss.Repair)
            return;
        if (stream.Mode == SyncMode.ChangesOnly)
            throw NebulaException.Configuration(
                "'on_position_lost: repair' has no place in 'mode: cdc-only': the target has not the rows that it would be compared with. Use 'fail'.",
                stream.LocationOf("cdc"));
        var source = SourceOf(stream)();
        await using (source.ConfigureAwait(false))
        {
            var form = (source as IRangeHashes)?.HashForm;
            if (form is null || form != (destination as IRangeHashes)?.HashForm)
                throw NebulaException.Configuration(
                    $"'on_position_lost: repair' compares source and target by hashes, which {Find(form is null ? pipeline.Source : pipeline.Target).Name} "
                    + "cannot tell. Use 'on_position_lost: resnapshot'.", stream.LocationOf("cdc"));
        }
    }

    /// <summary>What a stream may use of the run's memory, less what its source and destination hold themselves.</summary>
    private async Task<long?> MemoryOfAsync(StreamConfig stream, IDestination destination, int parallel)
    {
        if (pipeline.Settings.Memory is not { } memory)
            return null;
        var source = SourceOf(stream)();
        await using (source.ConfigureAwait(false))
        {
            var (library, buffers) = (Math.Max(source.LibraryBytes, destination.LibraryBytes), source.BufferBytes + destination.BufferBytes);
            var least = PipelineOptions.RuntimeShare + library + buffers;
            return memory >= least || buffers == 0 ? PipelineOptions.ShareOf(memory - library, parallel) - buffers : throw NebulaException.Configuration(
                $"{Units.FormatSize(memory)} of memory are too few for objects of a store: with '{NameOf(stream)}' the least is {Units.FormatSize(least)}.");
        }
    }

    private ConnectionUse? UseOf(ConnectionConfig connection, Func<ConnectorDescriptor, IReadOnlyList<OptionDescriptor>?> descriptors)
    {
        var connector = Find(connection);
        return connector.FindConnections is { } find && descriptors(connector) is { } known
            ? find(new OptionValues(connector.Name, known, connection.Options)) : null;
    }

    private Func<ISource> CreateSource(IReadOnlyDictionary<string, OptionValue> options)
    {
        var connector = Find(pipeline.Source);
        var descriptors = connector.SourceOptions ?? throw NebulaException.Configuration($"'{connector.Name}' cannot be a source.", pipeline.Source.Location);
        var values = new OptionValues($"source \"{connector.Name}\"", descriptors, RenderPath(Shared(pipeline.Source.With(options), _connections?.Source)));
        return () => connector.Source(values);
    }

    private Func<IDestination> CreateDestination(IReadOnlyDictionary<string, OptionValue> options)
    {
        var connector = Find(pipeline.Target);
        var descriptors = connector.DestinationOptions
            ?? throw NebulaException.Configuration($"'{connector.Name}' cannot be a destination.", pipeline.Target.Location);
        var values = new OptionValues($"target \"{connector.Name}\"", descriptors, Shared(pipeline.Target.With(options), _connections?.Target));
        return () => connector.Destination(values);
    }

    private static IReadOnlyDictionary<string, OptionValue> Shared(IReadOnlyDictionary<string, OptionValue> options, ConnectionShare? share)
    {
        if (share is null)
            return options;
        // a stream may ask for fewer
        var set = options.GetValueOrDefault(share.Option);
        var own = int.TryParse(set?.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : share.Wanted;
        return own <= share.Most ? options : new Dictionary<string, OptionValue>(options, StringComparer.Ordinal)
        {
            [share.Option] = new OptionValue([share.Most.ToString(CultureInfo.InvariantCulture)], set?.Location ?? share.Location),
        };
    }

    private ConnectorDescriptor Find(ConnectionConfig connection) => connectors.Find(connection.Type) ?? throw NebulaException.Configuration(
        connectors.IsPlanned(connection.Type) ? $"The connector '{connection.Type}' is not supported yet. 'nebula list' shows those that are."
        : $"There is no connector '{connection.Type}'.{Suggestion.For(connection.Type, connectors.Connectors.Select(static c => c.Name))} "
        + "'nebula list' shows all.",
        connection.Location);

    /// <summary>The stream's name; where it is many files, what their pattern has besides wildcards.</summary>
    private static string NameOf(StreamConfig stream)
    {
        if (stream.Members.Length == 1)
            return stream.Members[0];
        var name = stream.Name.Replace("*", "", StringComparison.Ordinal).Replace("?", "", StringComparison.Ordinal);
        var stem = name.Split('.')[0].Trim('_', '-', '/');
        return stem.Length > 0 ? name.TrimStart('_', '-', '/') : "all" + name;
    }

    private string DisplayName(StreamConfig stream) => stream.Members.Length == 1 && stream.Members[0] != "stdin" ? stream.Members[0]
        : stream.Name == "*" && pipeline.Source.Options.TryGetValue("path", out var path) ? path.Text : stream.Name;

    /// <summary>
    /// Puts the time of the run into the path of a source, <c>in/{YYYY}/{MM}/*.csv</c>. Braces that name nothing of the run belong to the path.
    /// </summary>
    private IReadOnlyDictionary<string, OptionValue> RenderPath(IReadOnlyDictionary<string, OptionValue> options)
    {
        if (!options.TryGetValue("path", out var path) || !path.Text.Contains('{', StringComparison.Ordinal))
            return options;
        var variables = RunVariables();
        return !variables.Keys.Any(name => path.Text.Contains($"{{{name}", StringComparison.Ordinal)) ? options
            : new Dictionary<string, OptionValue>(options, StringComparer.Ordinal)
            {
                ["path"] = new OptionValue([Template.Parse(path.Text, path.Location).Render(variables)], path.Location),
            };
    }

    private Dictionary<string, string> RunVariables()
    {
        var now = Compact(_now);
        return new(StringComparer.Ordinal)
        {
            ["source_name"] = pipeline.Source.Name,
            ["target_name"] = pipeline.Target.Name,
            ["run_id"] = RunId,
            ["run_timestamp"] = now + "Z",
            ["YYYY"] = now[..4],
            ["MM"] = now[4..6],
            ["DD"] = now[6..8],
            ["HH"] = now[9..11],
        };
    }

    /// <summary>A time as 20260131T235959. Not by a format of the framework: the first use of one takes milliseconds, and every run has this one.</summary>
    private static string Compact(DateTime time)
    {
        Span<char> text = stackalloc char[15];
        Put(text[..4], time.Year);
        Put(text[4..6], time.Month);
        Put(text[6..8], time.Day);
        text[8] = 'T';
        Put(text[9..11], time.Hour);
        Put(text[11..13], time.Minute);
        Put(text[13..], time.Second);
        return new string(text);

        static void Put(Span<char> digits, int number)
        {
            for (var i = digits.Length - 1; i >= 0; i--, number /= 10)
                digits[i] = (char)('0' + number % 10);
        }
    }

    private Dictionary<string, string> Variables(StreamConfig stream)
    {
        var name = NameOf(stream);
        var file = Path.GetFileName(name);
        var dot = file.IndexOf('.', Math.Min(1, file.Length));
        // a table's name may have dots, the schema before it hardly ever
        var schema = Find(pipeline.Source).TakesQueries ? name.IndexOf('.', StringComparison.Ordinal) : -1;
        return new Dictionary<string, string>(RunVariables(), StringComparer.Ordinal)
        {
            ["stream_name"] = name,
            ["stream_schema"] = schema < 0 ? "" : name[..schema],
            ["stream_table"] = name[(schema + 1)..],
            ["stream_file_path"] = name,
            ["stream_folder"] = Path.GetDirectoryName(name) ?? "",
            ["stream_file_name"] = file,
            ["stream_file_stem"] = dot < 0 ? file : file[..dot],
            ["stream_file_ext"] = dot < 0 ? "" : file[(dot + 1)..],
            ["part"] = "0",
        };
    }

    private static string QuarantineBeside(string target) =>
        target != StandardOutput && !target.Contains("://", StringComparison.Ordinal)
            ? target + ".quarantine.jsonl"
            : throw NebulaException.Configuration(
                $"The quarantine file is a file of this machine, and has no place beside {(target == StandardOutput ? "standard output" : $"'{target}'")}. "
                + "Set 'on_error.quarantine_path', or use 'bad_rows: skip'.");

    private static TimeSpan? Shorter(TimeSpan? a, TimeSpan? b) => a is { } first && b is { } second ? (first < second ? first : second) : a ?? b;
}
