using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;
using Nebula.Engine.Verification;

namespace Nebula.Engine.Configuration;

/// <summary>The settings of one stream: the pipeline's defaults with the matching patterns on top.</summary>
public sealed record StreamConfig
{
    /// <summary>Its name: the source's, or the pattern's where everything that matches is one stream.</summary>
    public required string Name { get; init; }

    /// <summary>The streams of the source that it is made of; one unless <see cref="IsSingle"/>.</summary>
    public required ImmutableArray<string> Members { get; init; }

    /// <summary>Where the pattern that decided stands.</summary>
    public required SourceLocation Location { get; init; }

    /// <summary>What is read.</summary>
    public SyncMode Mode { get; init; }

    /// <summary>What becomes of the rows that the target has; null when the mode decides.</summary>
    public WriteMode? Write { get; init; }

    /// <summary>Columns that identify a row, by their names in the source; empty for the source's own key.</summary>
    public ImmutableArray<string> PrimaryKey { get; init; } = [];

    /// <summary>The column that incremental reads follow; null for what the source has of its own.</summary>
    public IncrementalCursor? Cursor { get; init; }

    /// <summary>Condition on the rows that are read, in the source's SQL; null for all.</summary>
    public string? Where { get; init; }

    /// <summary>Statement in the source's SQL whose rows are the stream; null for a stream that the source has.</summary>
    public string? Sql { get; init; }

    /// <summary>How changes are captured.</summary>
    public CaptureConfig Capture { get; init; } = new();

    /// <summary>Whether everything that the pattern matches is one stream.</summary>
    public bool IsSingle { get; init; }

    /// <summary>Where the destination puts it; null when the destination decides.</summary>
    public Template? Object { get; init; }

    /// <summary>Options of the source for this stream, on top of the connection's.</summary>
    public required IReadOnlyDictionary<string, OptionValue> SourceOptions { get; init; }

    /// <summary>Options of the target for this stream, on top of the connection's.</summary>
    public required IReadOnlyDictionary<string, OptionValue> TargetOptions { get; init; }

    /// <summary>The columns read.</summary>
    public ColumnSelection Select { get; init; } = ColumnSelection.All;

    /// <summary>Settings of columns, by their name in the source.</summary>
    public required IReadOnlyDictionary<string, ColumnConfig> Columns { get; init; }

    /// <summary>Most rows read; null for all.</summary>
    public long? Limit { get; init; }

    /// <summary>What happens where values or their meaning would get lost.</summary>
    public LossyPolicy Lossy { get; init; }

    /// <summary>What the target's table may become.</summary>
    public SchemaContract Contract { get; init; } = new();

    /// <summary>What happens with rows that cannot be read.</summary>
    public BadRowPolicy BadRows { get; init; }

    /// <summary>About how many stored bytes of the source a chunk has; null when that is left to us.</summary>
    public long? ChunkBytes { get; init; }

    /// <summary>What is recorded, to prove later that what lies at the destination is what was read.</summary>
    public VerifyMode Verify { get; init; } = VerifyMode.Count;

    /// <summary>Most bad rows before the run ends; null for any number.</summary>
    public long? MaxBadRows { get; init; }

    /// <summary>File of quarantined rows; null when the run decides.</summary>
    public Template? QuarantinePath { get; init; }

    /// <summary>How much is done at once.</summary>
    public PerformanceConfig Performance { get; init; } = new();

    /// <summary>How rows are kept on their way.</summary>
    public StorageConfig Storage { get; init; } = new();

    /// <summary>The tree that all of this was read from.</summary>
    internal ConfigMap Settings { get; init; } = ConfigMap.Nothing;

    /// <summary>Where a setting stands that was made for the stream; where the stream stands, for one that is built in.</summary>
    /// <param name="key">The setting's key.</param>
    public SourceLocation LocationOf(string key) => Settings.Find(key)?.Location ?? Location;

    /// <summary>Lists every setting with its value and where that was set, for people. Values of secret options are masked.</summary>
    public IReadOnlyList<EffectiveSetting> Explain() => SettingsExplainer.Explain(Settings, ConfigKeys.Stream);
}

/// <summary>A setting that holds.</summary>
/// <param name="Path">Its key, with dots.</param>
/// <param name="Value">Its value as users write it.</param>
/// <param name="Origin">Where it was set; null when it is built in.</param>
public readonly record struct EffectiveSetting(string Path, string Value, SourceLocation? Origin);

/// <summary>What is read of a stream.</summary>
public enum SyncMode
{
    /// <summary>Everything, replacing what the destination had.</summary>
    FullRefresh,

    /// <summary>What is new since the last commit, added to what the destination has.</summary>
    Incremental,

    /// <summary>Everything once, then the changes.</summary>
    ChangeCapture,

    /// <summary>The changes from now on.</summary>
    ChangesOnly,
}

/// <summary>How changes are captured.</summary>
public sealed record CaptureConfig
{
    /// <summary>Name of the replication slot; null when the pipeline's name decides.</summary>
    public string? Slot { get; init; }

    /// <summary>Name of the publication; null when the pipeline's name decides.</summary>
    public string? Publication { get; init; }

    /// <summary>What a delete does.</summary>
    public DeleteHandling Deletes { get; init; }

    /// <summary>What is done when the log does not reach back to what is committed.</summary>
    public PositionLoss OnPositionLost { get; init; }

    /// <summary>Longest time without a word to the log.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether standbys get the slot.</summary>
    public bool IsFailover { get; init; }

    /// <summary>Folder for what comes of transactions before they are committed; null for the temporary folder.</summary>
    public string? SpoolPath { get; init; }

    /// <summary>Most bytes there; null for what the disk holds, 0 for none.</summary>
    public long? SpoolSize { get; init; }
}

/// <summary>Settings of a column.</summary>
/// <param name="Type">Its type; null for the source's.</param>
/// <param name="Name">Its name at the destination; null for the source's.</param>
/// <param name="Location">Where it was set.</param>
public sealed record ColumnConfig(DataType? Type, string? Name, SourceLocation Location);

/// <summary>How much is done at once.</summary>
public sealed record PerformanceConfig
{
    /// <summary>Most rows of one batch; null when the run decides.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Threads that decode and encode; null for one for each processor.</summary>
    public int? Workers { get; init; }

    /// <summary>Most operations that a destination has under way at once; null when the destination decides.</summary>
    public int? MaxConcurrency { get; init; }

    /// <summary>Longest time that rows wait to be written.</summary>
    /// <value>10 seconds.</value>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>How rows are kept on their way.</summary>
public sealed record StorageConfig
{
    /// <summary>By column, by row, or chosen.</summary>
    public StorageMode Mode { get; init; }
}
