using System.Collections.Immutable;
using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>Reads pipelines: from one file, from a file for each end, or from two connections.</summary>
public static class PipelineFile
{
    private const string EveryStream = "*";

    // far above any pipeline, and little to look through in vain
    private const long LargestPipeline = 4 << 20;

    /// <summary>Whether a JSON file holds a pipeline and not data: one object with a source, a target, and no key that a pipeline does not have.</summary>
    /// <param name="path">The file; one that is not there or cannot be read is none.</param>
    public static bool IsPipeline(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.Length is 0 or > LargestPipeline)
                return false;
            using var document = JsonDocument.Parse(File.ReadAllBytes(path),
                new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return false;
            var keys = document.RootElement.EnumerateObject().Select(static property => ConfigKeys.Pipeline.Find(property.Name)?.Name).ToHashSet();
            return keys.Contains(ConfigKeys.Source.Name) && keys.Contains(ConfigKeys.Target.Name) && !keys.Contains(null);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Reads a pipeline file, YAML or JSON.</summary>
    /// <param name="path">The file.</param>
    /// <param name="environment">Variables and the user's connections.</param>
    /// <param name="overrides">Settings from outside, which win over the file.</param>
    /// <exception cref="ConfigurationException">The file cannot be read or used; everything that is wrong is listed.</exception>
    public static PipelineConfig Load(string path, ConfigEnvironment environment, IReadOnlyList<ConfigOverride>? overrides = null)
    {
        var reading = new Reading(environment.Beside(path));
        var map = reading.Bind(ConfigTreeReader.ReadFile(path), ConfigKeys.Pipeline);
        var connections = map.FindMap(ConfigKeys.Connections.Name);
        var source = map.Find(ConfigKeys.Source.Name) is { } sourceNode ? reading.Connections.Resolve(sourceNode, connections) : null;
        var target = map.Find(ConfigKeys.Target.Name) is { } targetNode ? reading.Connections.Resolve(targetNode, connections) : null;
        return reading.Finish(map, source, target, overrides, Path.GetFileNameWithoutExtension(path));
    }

    /// <summary>
    /// Reads a pipeline from a file for each end, <c>{ "type": "csv", "path": "…", … }</c>, with the options of the connector at the top and beside them, if
    /// wanted, <c>performance</c>, <c>storage</c>, <c>timeouts</c>, <c>limits</c>, <c>run</c> and <c>observability</c>; where both set one, the destination's
    /// holds. Everything that the source has is one stream.
    /// </summary>
    /// <param name="sourcePath">The file of the source.</param>
    /// <param name="destinationPath">The file of the destination.</param>
    /// <param name="environment">Variables; a <c>.env</c> file is looked for beside the source's file.</param>
    /// <param name="overrides">Settings from outside, which win over the files.</param>
    /// <exception cref="ConfigurationException">A file cannot be read or used; everything that is wrong is listed.</exception>
    public static PipelineConfig LoadSplit(
        string sourcePath, string destinationPath, ConfigEnvironment environment, IReadOnlyList<ConfigOverride>? overrides = null)
    {
        var reading = new Reading(environment.Beside(sourcePath));
        var (source, sourceSettings) = reading.ReadEndpoint(sourcePath);
        var (target, targetSettings) = reading.ReadEndpoint(destinationPath);
        var map = OneStream(sourceSettings.MergedWith(targetSettings), new SourceLocation(sourcePath));
        return reading.Finish(map, source, target, overrides, Path.GetFileNameWithoutExtension(sourcePath));
    }

    /// <summary>Makes a pipeline of two connections, as a command line without files does. Everything that the source has is one stream.</summary>
    /// <param name="source">Where rows come from.</param>
    /// <param name="target">Where rows go.</param>
    /// <param name="environment">Collects the secrets among the overrides.</param>
    /// <param name="overrides">Settings; options of the connectors under <c>source.</c> and <c>target.</c>.</param>
    /// <exception cref="ConfigurationException">A setting is wrong; everything that is wrong is listed.</exception>
    public static PipelineConfig FromConnections(
        ConnectionConfig source, ConnectionConfig target, ConfigEnvironment environment, IReadOnlyList<ConfigOverride>? overrides = null)
    {
        var reading = new Reading(environment);
        reading.Hide(source);
        reading.Hide(target);
        return reading.Finish(OneStream(ConfigMap.Nothing, source.Location), source, target, overrides, $"{source.Name}-{target.Name}");
    }

    /// <summary>Finds a connection that no pipeline file defines: in the variable <c>NEBULA_CONN_&lt;NAME&gt;</c> or in the user's own file.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="environment">Variables and the place of the user's file.</param>
    /// <exception cref="ConfigurationException">There is none, or it is wrong.</exception>
    public static ConnectionConfig LoadConnection(string name, ConfigEnvironment environment)
    {
        var reading = new Reading(environment);
        var connection = reading.Connections.Find(name, new SourceLocation("command line"), null);
        reading.Problems.ThrowIfAny();
        return connection!;
    }

    private static ConfigMap OneStream(ConfigMap settings, SourceLocation location)
    {
        var single = new ConfigMap([new ConfigEntry(ConfigKeys.Single.Name, location, new ConfigScalar("true", location))], location);
        var streams = new ConfigMap([new ConfigEntry(EveryStream, location, single)], location);
        return new ConfigMap(settings.Entries.Add(new ConfigEntry(ConfigKeys.Streams.Name, location, streams)), location);
    }

    /// <summary>One reading: the problems of all its parts come together here.</summary>
    private sealed class Reading
    {
        private readonly ConfigEnvironment _environment;
        private readonly ConfigBinder _binder;

        public Reading(ConfigEnvironment environment)
        {
            _environment = environment;
            Problems = new ConfigProblems(environment.Secrets);
            _binder = new ConfigBinder(environment.Secrets, Problems);
            Connections = new ConnectionFinder(environment, _binder, Problems);
        }

        public ConfigProblems Problems { get; }

        public ConnectionFinder Connections { get; }

        public ConfigMap Bind(ConfigMap tree, ConfigKey section) => _binder.BindSection(new Substitution(_environment, Problems).Resolve(tree), section);

        public (ConnectionConfig? Connection, ConfigMap Settings) ReadEndpoint(string path)
        {
            if (Read(path) is not { } tree)
                return (null, ConfigMap.Nothing);
            // 'limits' has some of the run and some of the connection
            var settings = Part(tree, static key => ConfigKeys.EndpointSettings.Find(key) is not null, static key => ConfigKeys.Limits.Find(key) is not null);
            var options = Part(tree, static key => ConfigKeys.EndpointSettings.Find(key) is null, static key => ConfigKeys.Limits.Find(key) is null);
            var substitution = new Substitution(_environment, Problems);
            var connection = _binder.BindConnection(substitution.Resolve(options));
            return (Connections.Resolve(connection, null), Bind(settings, ConfigKeys.EndpointSettings));

            static ConfigMap Part(ConfigMap tree, Func<string, bool> isOf, Func<string, bool> isLimitOf) => new(
                [.. tree.Entries.SelectMany(entry => entry.Key != ConfigKeys.Limits.Name || entry.Value is not ConfigMap limits
                    ? isOf(entry.Key) ? [entry] : Array.Empty<ConfigEntry>()
                    : limits.Entries.Where(limit => isLimitOf(limit.Key)).ToImmutableArray() is { Length: > 0 } some
                        ? [entry with { Value = new ConfigMap(some, limits.Location) }] : [])], tree.Location);
        }

        /// <summary>Notes the secrets among options that come from no file.</summary>
        public void Hide(ConnectionConfig connection)
        {
            foreach (var (key, value) in connection.Options)
                if (Secrets.IsSecretKey(key))
                    foreach (var item in value.Items)
                        _environment.Secrets.Add(item);
        }

        public PipelineConfig Finish(
            ConfigMap map, ConnectionConfig? source, ConnectionConfig? target, IReadOnlyList<ConfigOverride>? overrides, string defaultName)
        {
            var flags = _binder.BindSection(ConfigOverride.ToTree(overrides ?? []), ConfigKeys.Overrides);
            if (map.TryGet(ConfigKeys.Streams.Name, out var streams) && streams.Value is { IsNull: true } or ConfigMap { Entries.IsEmpty: true })
                Problems.Add(streams.KeyLocation, "'streams' names no stream. Write '\"*\":' for every stream of the source.");
            Problems.ThrowIfAny();
            var settings = map.MergedWith(flags);
            return new PipelineConfig
            {
                Name = new ConfigValues(settings).Text(ConfigKeys.Name) ?? defaultName,
                Location = map.Location,
                Source = WithFlags(source!, flags.FindMap(ConfigKeys.Source.Name)),
                Target = WithFlags(target!, flags.FindMap(ConfigKeys.Target.Name)),
                Streams = Streams(map),
                Settings = RunSettings(new ConfigValues(settings)),
                Triggers = Triggers(new ConfigValues(map)),
                Defaults = Pick(map, ConfigKeys.Performance, ConfigKeys.Storage).MergedWith(map.FindMap(ConfigKeys.Defaults.Name) ?? ConfigMap.Nothing),
                Overrides = Pick(flags, [.. ConfigKeys.Stream.Keys]),
            };
        }

        private ConfigMap? Read(string path)
        {
            try
            {
                return ConfigTreeReader.ReadFile(path);
            }
            catch (ConfigurationException error)
            {
                Problems.Add(error);
                return null;
            }
        }

        private static ConnectionConfig WithFlags(ConnectionConfig connection, ConfigMap? flags) =>
            connection with { Options = connection.With(ConfigValues.FlattenOptions(flags)) };

        private static ConfigMap Pick(ConfigMap map, params ConfigKey[] keys) =>
            new([.. map.Entries.Where(entry => keys.Any(key => key.Name == entry.Key))], map.Location);

        private static StreamPattern[] Streams(ConfigMap map) => map.FindMap(ConfigKeys.Streams.Name) is { } streams
            ? [.. streams.Entries.Select(static (entry, index) => new StreamPattern(entry.Key, entry.KeyLocation, (ConfigMap)entry.Value, index))]
            : [new StreamPattern(EveryStream, map.Location, ConfigMap.Nothing, 0)];

        private static TriggerSettings Triggers(ConfigValues values)
        {
            var triggers = values.Section(ConfigKeys.Azure).Section(ConfigKeys.Triggers);
            var schedule = triggers.Section(ConfigKeys.TimerTrigger).Text(ConfigKeys.Schedule) ?? values.Text(ConfigKeys.Schedule);
            return new TriggerSettings
            {
                Schedule = schedule is null ? null : CronSchedule.Parse(schedule),
                BlobPath = triggers.Section(ConfigKeys.BlobTrigger).Text(ConfigKeys.BlobPath),
            };
        }

        private static RunSettings RunSettings(ConfigValues values) => new()
        {
            Timeout = values.Section(ConfigKeys.Timeouts).Duration(ConfigKeys.RunTimeout),
            MaxDuration = values.Section(ConfigKeys.Limits).Duration(ConfigKeys.MaxDuration),
            StateLocation = values.Section(ConfigKeys.State).Text(ConfigKeys.StateLocation) switch
            {
                "none" => "",
                { } url when url.StartsWith("file:///", StringComparison.Ordinal) => url["file://".Length..],
                { } path when path.StartsWith("file:", StringComparison.Ordinal) => path["file:".Length..],
                var folder => folder,
            },
            Memory = values.Section(ConfigKeys.Limits).Size(ConfigKeys.Memory),
            ParallelStreams = values.Section(ConfigKeys.Run).Int32(ConfigKeys.ParallelStreams)!.Value,
            LoggingLevel = values.Section(ConfigKeys.Observability).Text(ConfigKeys.LoggingLevel) switch
            {
                "debug" => LoggingLevel.Debug,
                "warn" => LoggingLevel.Warn,
                "error" => LoggingLevel.Error,
                _ => LoggingLevel.Info,
            },
        };
    }
}
