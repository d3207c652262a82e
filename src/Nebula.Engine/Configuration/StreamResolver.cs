using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;
using Nebula.Engine.Verification;

namespace Nebula.Engine.Configuration;

/// <summary>
/// Gives the streams of a source their settings. From below to above: the pipeline's <c>performance</c> and <c>storage</c>, <c>defaults</c>, every pattern that
/// matches (the most specific last), flags.
/// </summary>
public sealed class StreamResolver
{
    private readonly PipelineConfig _pipeline;
    private readonly List<StreamPattern> _ascending;
    private readonly Dictionary<string, StreamConfig?> _read = new(StringComparer.Ordinal);

    /// <summary>Makes the resolver of a pipeline.</summary>
    /// <param name="pipeline">The pipeline.</param>
    public StreamResolver(PipelineConfig pipeline)
    {
        _pipeline = pipeline;
        _ascending = [.. pipeline.Streams];
        _ascending.Sort(StreamPattern.CompareSpecificity);
        Requested = [.. pipeline.Streams.Where(static pattern => IsEnabled(pattern.Settings)).Select(static pattern => pattern.Text)];
        Statements = [.. pipeline.Streams.Where(static pattern => !pattern.IsWildcard && IsEnabled(pattern.Settings) && IsStatement(pattern.Settings))
            .Select(static pattern => pattern.Text)];
    }

    /// <summary>The names and wildcards that a source has to look for: every pattern that does not take streams out.</summary>
    public IReadOnlyList<string> Requested { get; }

    /// <summary>The streams that are statements of their own: the source knows nothing of them.</summary>
    public IReadOnlyList<string> Statements { get; }

    /// <summary>Gives the settings of every stream that is to be read.</summary>
    /// <param name="names">The streams that the source has.</param>
    /// <param name="only">Names or wildcards of the streams wanted in this run; empty for all.</param>
    /// <returns>The streams in the order of the names; those that are one stream together stand where the first of them does.</returns>
    /// <exception cref="ConfigurationException">
    /// The file names a stream that the source does not have, nothing matches, or streams that would be one have different settings; all problems are listed.
    /// </exception>
    public IReadOnlyList<StreamConfig> Resolve(IReadOnlyList<string> names, IReadOnlyList<string>? only = null)
    {
        var problems = new List<ConfigProblem>();
        names = [.. names, .. Statements.Except(names)];
        var known = names.ToHashSet(StringComparer.Ordinal);
        foreach (var pattern in _pipeline.Streams)
            if (!pattern.IsWildcard && IsEnabled(pattern.Settings) && !known.Contains(pattern.Text))
                problems.Add(new ConfigProblem(
                    pattern.Location, $"The source has no stream {ConfigScalar.Quote(pattern.Text)}.{Suggestion.For(pattern.Text, names)}"));
        foreach (var wanted in only ?? [])
            if (!names.Any(name => StreamPattern.Matches(wanted, name)))
                problems.Add(new ConfigProblem(_pipeline.Location, $"The source has no stream {ConfigScalar.Quote(wanted)}.{Suggestion.For(wanted, names)}"));

        var streams = new List<StreamConfig>();
        var groups = new Dictionary<string, Group>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (Find(name) is not { } stream || (only is { Count: > 0 } && !only.Any(wanted => StreamPattern.Matches(wanted, name))))
                continue;
            if (!stream.IsSingle)
            {
                streams.Add(stream);
            }
            else if (!groups.TryGetValue(stream.Name, out var group))
            {
                groups.Add(stream.Name, new Group(streams.Count, stream.Members.ToBuilder()));
                streams.Add(stream);
            }
            else if (HaveSameSettings(streams[group.Index], stream))
            {
                group.Members.Add(name);
            }
            else
            {
                problems.Add(new ConfigProblem(
                    stream.Location,
                    $"Everything that {ConfigScalar.Quote(stream.Name)} matches is one stream, but other patterns give {ConfigScalar.Quote(name)}"
                        + " other settings. Give it the same, or take it out."));
            }
        }
        foreach (var (index, members) in groups.Values)
            streams[index] = streams[index] with { Members = members.ToImmutable() };
        if (streams.Count == 0 && problems.Count == 0)
            problems.Add(new ConfigProblem(_pipeline.Location, names.Count == 0
                ? "The source has no streams."
                : $"None of the source's {names.Count} streams matches 'streams'. It has {Sample(names)}."));
        return problems.Count == 0 ? streams : throw new ConfigurationException(problems);
    }

    /// <summary>Gives the settings of one stream; null when no pattern matches or the most specific one takes it out.</summary>
    /// <param name="name">Its name in the source.</param>
    public StreamConfig? Find(string name)
    {
        var matching = _ascending.Where(pattern => pattern.Matches(name)).ToList();
        if (matching.Count == 0)
            return null;
        // A folder of many thousand files meets the same few patterns over and over.
        var key = string.Join(',', matching.Select(static pattern => pattern.Index.ToString(CultureInfo.InvariantCulture)));
        if (!_read.TryGetValue(key, out var stream))
        {
            var settings = _pipeline.Defaults;
            foreach (var pattern in matching)
                settings = settings.MergedWith(pattern.Settings);
            settings = settings.MergedWith(_pipeline.Overrides);
            _read[key] = stream = IsEnabled(settings) ? Read(matching[^1], settings) : null;
        }
        return stream is null ? null : stream with { Name = stream.IsSingle ? stream.Name : name, Members = [name] };
    }

    /// <summary>Refuses streams that would overwrite each other.</summary>
    /// <param name="streams">The streams.</param>
    /// <param name="objects">Where each of them goes, templates resolved.</param>
    /// <exception cref="ConfigurationException">Two streams go to the same place.</exception>
    public static void CheckObjects(IReadOnlyList<StreamConfig> streams, IReadOnlyList<string> objects)
    {
        var taken = new Dictionary<string, StreamConfig>(StringComparer.Ordinal);
        var problems = new List<ConfigProblem>();
        for (var i = 0; i < streams.Count; i++)
        {
            var (stream, target) = (streams[i], objects[i]);
            if (!taken.TryAdd(target, stream))
                problems.Add(new ConfigProblem(
                    stream.Object?.Location ?? stream.Location,
                    $"The streams {ConfigScalar.Quote(taken[target].Name)} and {ConfigScalar.Quote(stream.Name)} would both be written to"
                        + $" {ConfigScalar.Quote(target)}. Put {{stream_name}} into 'object', or make them one stream with 'single: true'."));
        }
        if (problems.Count > 0)
            throw new ConfigurationException(problems);
    }

    private static bool HaveSameSettings(StreamConfig a, StreamConfig b) => ReferenceEquals(a.Settings, b.Settings)
        || SettingsExplainer.Explain(a.Settings, ConfigKeys.Stream).SequenceEqual(SettingsExplainer.Explain(b.Settings, ConfigKeys.Stream));

    private static StreamConfig Read(StreamPattern pattern, ConfigMap settings)
    {
        var values = new ConfigValues(settings);
        var onError = values.Section(ConfigKeys.OnError);
        var performance = values.Section(ConfigKeys.Performance);
        var storage = values.Section(ConfigKeys.Storage);
        var sourceOptions = values.Options(ConfigKeys.SourceOptions);
        return new StreamConfig
        {
            Name = pattern.Text,
            Members = [],
            Location = pattern.Location,
            Settings = settings,
            Mode = values.Text(ConfigKeys.Mode) switch
            {
                "incremental" => SyncMode.Incremental,
                "cdc" => SyncMode.ChangeCapture,
                "cdc-only" => SyncMode.ChangesOnly,
                _ => SyncMode.FullRefresh,
            },
            Write = values.Text(ConfigKeys.Write) switch
            {
                "replace" => WriteMode.Replace,
                "append" => WriteMode.Append,
                "merge" => WriteMode.Merge,
                _ => null,
            },
            PrimaryKey = values.Names(ConfigKeys.PrimaryKey),
            Cursor = Cursor(pattern, values),
            Where = values.Text(ConfigKeys.Where),
            Sql = values.Text(ConfigKeys.Sql),
            Capture = Capture(values.Section(ConfigKeys.Capture), values.Section(ConfigKeys.Capture).Section(ConfigKeys.Spool)),
            IsSingle = values.Flag(ConfigKeys.Single),
            Object = values.Template(ConfigKeys.Object),
            SourceOptions = Without(sourceOptions, ConfigKeys.BadRows.Name),
            TargetOptions = values.Options(ConfigKeys.TargetOptions),
            Select = values.Selection(ConfigKeys.Select),
            Columns = Columns(settings.FindMap(ConfigKeys.Columns.Name)),
            Limit = values.Integer(ConfigKeys.Limit),
            ChunkBytes = values.Section(ConfigKeys.Chunking).Size(ConfigKeys.TargetSize) is { } size ? Math.Max(1, size) : null,
            Contract = Contract(values.Section(ConfigKeys.Contract)),
            Lossy = values.Section(ConfigKeys.Contract).Text(ConfigKeys.Lossy) switch
            {
                "warn" => LossyPolicy.Warn,
                "allow" => LossyPolicy.Allow,
                _ => LossyPolicy.Refuse,
            },
            Verify = values.Text(ConfigKeys.Verify) switch
            {
                "off" => VerifyMode.Off,
                "chunk" => VerifyMode.Chunk,
                _ => VerifyMode.Count,
            },
            BadRows = BadRows(settings, onError, sourceOptions),
            MaxBadRows = onError.Integer(ConfigKeys.MaxBadRows),
            QuarantinePath = onError.Template(ConfigKeys.QuarantinePath),
            Performance = new PerformanceConfig
            {
                BatchSize = performance.Int32(ConfigKeys.BatchSize),
                Workers = performance.Int32(ConfigKeys.Workers),
                MaxConcurrency = performance.Int32(ConfigKeys.MaxConcurrency),
                FlushInterval = performance.Duration(ConfigKeys.FlushInterval)!.Value,
            },
            Storage = new StorageConfig
            {
                Mode = storage.Text(ConfigKeys.StorageMode) switch
                {
                    "row" => StorageMode.Row,
                    "columnar" => StorageMode.Columnar,
                    "hybrid" => StorageMode.Hybrid,
                    _ => StorageMode.Auto,
                },
            },
        };
    }

    private static SchemaContract Contract(ConfigValues values) => new()
    {
        MakesTables = values.Text(ConfigKeys.NewTables) == "evolve",
        NewColumns = values.Text(ConfigKeys.NewColumns) switch
        {
            "freeze" => NewColumnPolicy.Fail,
            "discard_value" => NewColumnPolicy.LeaveOut,
            _ => NewColumnPolicy.Add,
        },
        WidensTypes = values.Text(ConfigKeys.NewTypes) == "widen",
        KeepsDropped = values.Text(ConfigKeys.OnDrop) == "keep",
    };

    private static IncrementalCursor? Cursor(StreamPattern pattern, ConfigValues values)
    {
        if (values.Text(ConfigKeys.UpdateKey) is { } column)
            return new IncrementalCursor(column, values.Text(ConfigKeys.Lookback));
        return values.Text(ConfigKeys.Lookback) is null ? null
            : throw new ConfigurationException(pattern.Location, "'lookback' looks back from the last value of 'update_key', which is not set.");
    }

    private static CaptureConfig Capture(ConfigValues values, ConfigValues spool) => new()
    {
        Slot = values.Text(ConfigKeys.Slot),
        Publication = values.Text(ConfigKeys.Publication),
        Deletes = values.Text(ConfigKeys.Deletes) switch
        {
            "hard" => DeleteHandling.Hard,
            "ignore" => DeleteHandling.Ignore,
            _ => DeleteHandling.Soft,
        },
        OnPositionLost = values.Text(ConfigKeys.OnPositionLost) switch
        {
            "resnapshot" => PositionLoss.Resnapshot,
            "repair" => PositionLoss.Repair,
            _ => PositionLoss.Fail,
        },
        Heartbeat = values.Duration(ConfigKeys.Heartbeat)!.Value,
        IsFailover = values.Flag(ConfigKeys.Failover),
        SpoolPath = spool.Text(ConfigKeys.SpoolPath),
        SpoolSize = spool.Size(ConfigKeys.SpoolSize),
    };

    private static IReadOnlyDictionary<string, OptionValue> Without(IReadOnlyDictionary<string, OptionValue> options, string name)
    {
        if (!options.ContainsKey(name))
            return options;
        var others = new Dictionary<string, OptionValue>(options);
        others.Remove(name);
        return others;
    }

    /// <summary>What becomes of bad rows. It may also stand among the options of the source, as it does where other tools are come from.</summary>
    private static BadRowPolicy BadRows(ConfigMap settings, ConfigValues onError, IReadOnlyDictionary<string, OptionValue> sourceOptions)
    {
        var policy = onError.Text(ConfigKeys.BadRows);
        if (sourceOptions.TryGetValue(ConfigKeys.BadRows.Name, out var option)
            && settings.FindMap(ConfigKeys.OnError.Name)?.Find(ConfigKeys.BadRows.Name) is null)
        {
            policy = option.Text;
            var known = ConfigKeys.BadRows.Choices.Select(static choice => choice.Name).ToList();
            if (!known.Contains(policy))
                throw new ConfigurationException(
                    option.Location, $"'bad_rows' must be one of {string.Join(", ", known)}; it is "
                        + $"{ConfigScalar.Quote(policy)}.{Suggestion.For(policy, known)}");
        }
        return policy switch
        {
            "skip" => BadRowPolicy.Skip,
            "quarantine" => BadRowPolicy.Quarantine,
            _ => BadRowPolicy.Fail,
        };
    }

    private static Dictionary<string, ColumnConfig> Columns(ConfigMap? columns)
    {
        var configs = new Dictionary<string, ColumnConfig>(StringComparer.Ordinal);
        foreach (var entry in columns?.Entries ?? [])
            if (entry.Value is ConfigMap map)
            {
                var values = new ConfigValues(map);
                configs[entry.Key] = new ColumnConfig(values.Type(ConfigKeys.ColumnType), values.Text(ConfigKeys.ColumnName), entry.KeyLocation);
            }
        return configs;
    }

    private static bool IsStatement(ConfigMap settings) => new ConfigValues(settings).Text(ConfigKeys.Sql) is not null;

    private static bool IsEnabled(ConfigMap settings) => new ConfigValues(settings).Flag(ConfigKeys.Enabled);

    private static string Sample(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(5).Select(ConfigScalar.Quote)) + (names.Count > 5 ? ", …" : "");

    /// <summary>Streams that are one.</summary>
    private sealed record Group(int Index, ImmutableArray<string>.Builder Members);
}
