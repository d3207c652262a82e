namespace Nebula.Engine.Configuration;

/// <summary>The table of all keys that a pipeline file knows. Nothing else says what a key is called, takes or defaults to.</summary>
internal static class ConfigKeys
{
    /// <summary>Rows per batch.</summary>
    public static readonly ConfigKey BatchSize = new(
        "batch_size", ConfigKind.Integer, "About how many rows are worked on together. Their bytes decide when not set.")
    {
        Minimum = 1,
        Maximum = 10_000_000,
    };

    /// <summary>Worker threads.</summary>
    public static readonly ConfigKey Workers = new(
        "workers", ConfigKind.Integer, "Threads that decode and encode. One for each processor when not set.")
    {
        Minimum = 1,
        Maximum = 1024,
    };

    /// <summary>Concurrent operations.</summary>
    public static readonly ConfigKey MaxConcurrency = new(
        "max_concurrency", ConfigKind.Integer, "Most operations that a destination has under way at once.")
    {
        Minimum = 1,
        Maximum = 100_000,
    };

    /// <summary>Flush interval.</summary>
    public static readonly ConfigKey FlushInterval = new(
        "flush_interval", ConfigKind.Duration, "Longest time that rows wait to be written.")
    {
        Default = "10s",
    };

    /// <summary>Performance of a stream.</summary>
    public static readonly ConfigKey Performance = new(
        "performance", ConfigKind.Section, "How much is done at once.")
    {
        Keys = [BatchSize, Workers, MaxConcurrency, FlushInterval],
    };

    /// <summary>Storage mode.</summary>
    public static readonly ConfigKey StorageMode = new(
        "mode", ConfigKind.Choice, "How rows are kept in memory: by column, by row, or rows that turn into columns when there are many.")
    {
        Default = "auto",
        Choices = [new("auto"), new("row"), new("columnar"), new("hybrid")],
    };

    /// <summary>Storage of a stream.</summary>
    public static readonly ConfigKey Storage = new(
        "storage", ConfigKind.Section, "How rows are kept on their way.")
    {
        Keys = [StorageMode, ConfigKey.NotYet("compression")],
    };

    /// <summary>Whether a stream is read.</summary>
    public static readonly ConfigKey Enabled = new(
        "enabled", ConfigKind.Flag, "Whether the stream is read; false takes streams out that a wider pattern brings in.")
    {
        Default = "true",
    };

    /// <summary>What is read.</summary>
    public static readonly ConfigKey Mode = new("mode", ConfigKind.Choice, "What is read of a stream.")
    {
        Default = "full-refresh",
        Choices =
        [
            new("full-refresh", "replace", "overwrite", "full-refresh-overwrite"),
            new("truncate") { IsSupported = false },
            new("incremental", "merge", "append", "incremental-append", "incremental-append-dedupe", "incremental-deduped-history"),
            new("cdc", "change-capture"),
            new("cdc-only", "strict-cdc"),
            new("backfill") { IsSupported = false },
            new("snapshot", "full-refresh-append") { IsSupported = false },
            new("schema-only", "definition-only") { IsSupported = false },
        ],
    };

    /// <summary>Where a stream goes.</summary>
    public static readonly ConfigKey Object = new(
        "object", ConfigKind.Template, "Where the destination puts the stream: a path or a table, with variables such as {stream_file_stem} and {part:05}.");

    /// <summary>Whether matches are one stream.</summary>
    public static readonly ConfigKey Single = new(
        "single", ConfigKind.Flag, "Whether everything that the pattern matches is one stream.")
    {
        Default = "false",
    };

    /// <summary>Options of the source.</summary>
    public static readonly ConfigKey SourceOptions = new("source_options", ConfigKind.Options, "Options of the source's connector for this stream.");

    /// <summary>Options of the target.</summary>
    public static readonly ConfigKey TargetOptions = new("target_options", ConfigKind.Options, "Options of the target's connector for this stream.");

    /// <summary>Columns read.</summary>
    public static readonly ConfigKey Select = new(
        "select", ConfigKind.Selection, "Columns in the order written: names, \"*\" for all others, \"-name\" to leave one out.");

    /// <summary>Type of a column.</summary>
    public static readonly ConfigKey ColumnType = new(
        "type", ConfigKind.ColumnType, "Type of the column, instead of the one that the source has or that its values suggest.");

    /// <summary>Name of a column.</summary>
    public static readonly ConfigKey ColumnName = new("name", ConfigKind.Text, "Name of the column at the destination.");

    /// <summary>Settings of columns.</summary>
    public static readonly ConfigKey Columns = new("columns", ConfigKind.Table, "Settings of columns, by their name in the source.")
    {
        Item = new("column", ConfigKind.Section, "A type, or a map of settings.")
        {
            Shorthand = ColumnType,
            Keys = [ColumnType, ColumnName, ConfigKey.NotYet("mask"), ConfigKey.NotYet("salt")],
        },
    };

    /// <summary>Row limit.</summary>
    public static readonly ConfigKey Limit = new("limit", ConfigKind.Integer, "Most rows that are read of the stream; all when not set.") { AllowsNone = true };

    /// <summary>Policy for bad rows.</summary>
    public static readonly ConfigKey BadRows = new(
        "bad_rows", ConfigKind.Choice, "What happens with a row that cannot be read: the run ends, it is left out, or it goes to a file of its own.")
    {
        Default = "fail",
        Choices = [new("fail"), new("skip"), new("quarantine")],
    };

    /// <summary>Budget of bad rows.</summary>
    public static readonly ConfigKey MaxBadRows = new(
        "max_bad_rows", ConfigKind.Integer, "Most bad rows of a stream before the run ends; any number when not set.")
    {
        AllowsNone = true,
    };

    /// <summary>Where bad rows go.</summary>
    public static readonly ConfigKey QuarantinePath = new(
        "quarantine_path", ConfigKind.Template, "File that quarantined rows go to, with the variables of 'object'.");

    /// <summary>What happens on errors.</summary>
    public static readonly ConfigKey OnError = new("on_error", ConfigKind.Section, "What happens when something goes wrong.")
    {
        Keys = [BadRows, MaxBadRows, QuarantinePath, ConfigKey.NotYet("retries"), ConfigKey.NotYet("backoff")],
    };

    /// <summary>What happens to what gets lost.</summary>
    public static readonly ConfigKey Lossy = new(
        "lossy", ConfigKind.Choice, "What happens where the target, or a cast, would lose a part of values: it is refused, or done with or without a warning.")
    {
        Default = "refuse",
        Choices = [new("refuse"), new("warn"), new("allow")],
    };

    /// <summary>Tables that the target lacks.</summary>
    public static readonly ConfigKey NewTables = new(
        "tables", ConfigKind.Choice, "What happens where the target has no table for a stream: it is made, or the stream fails.")
    {
        Default = "evolve",
        Choices = [new("evolve"), new("freeze"), new("discard_value") { IsSupported = false }, new("discard_row") { IsSupported = false }],
    };

    /// <summary>Columns that the target lacks.</summary>
    public static readonly ConfigKey NewColumns = new(
        "columns", ConfigKind.Choice, "What happens with a column that the target's table lacks: it is added, the stream fails, or its values are left out.")
    {
        Default = "evolve",
        Choices = [new("evolve"), new("freeze"), new("discard_value"), new("discard_row") { IsSupported = false }],
    };

    /// <summary>Types that the target's columns are too narrow for.</summary>
    public static readonly ConfigKey NewTypes = new(
        "types", ConfigKind.Choice, "What happens where the target's column is too narrow for the type that is read: it is widened, or the stream fails.")
    {
        Default = "widen",
        Choices = [new("widen", "evolve"), new("freeze"), new("discard_value") { IsSupported = false }, new("discard_row") { IsSupported = false }],
    };

    /// <summary>Columns that the source lost.</summary>
    public static readonly ConfigKey OnDrop = new(
        "on_drop", ConfigKind.Choice, "What happens with a column of the target that the source has no more: it stays, null in new rows, or the stream fails.")
    {
        Default = "keep",
        Choices = [new("keep"), new("fail"), new("null_out") { IsSupported = false }],
    };

    /// <summary>Contract of columns and types.</summary>
    public static readonly ConfigKey Contract = new("schema", ConfigKind.Section, "What columns and types may become.")
    {
        Keys = [Lossy, NewTables, NewColumns, NewTypes, OnDrop],
    };

    /// <summary>Size of a chunk.</summary>
    public static readonly ConfigKey TargetSize = new(
        "target_size", ConfigKind.Size,
        "About how many stored bytes of the source a chunk has: what is moved, retried and remembered as one. If left out, 256MB; 1GB where they are written one "
        + "behind the other, into one file.");

    /// <summary>How a stream is split.</summary>
    public static readonly ConfigKey Chunking = new("chunking", ConfigKind.Section, "How a stream is split into chunks.")
    {
        Keys = [TargetSize, .. NotYet("strategy", "parallelism", "by", "target_rows")],
    };

    /// <summary>What is recorded of a stream, for proof.</summary>
    public static readonly ConfigKey Verify = new(
        "verify", ConfigKind.Choice,
        "What is recorded of each chunk, so that 'nebula verify' can prove what lies at the target: nothing, its rows, or also a hash of each of its columns.")
    {
        Default = "count",
        Choices = [new("off"), new("count"), new("chunk"), new("readback") { IsSupported = false }],
    };

    /// <summary>What becomes of the rows that the target has.</summary>
    public static readonly ConfigKey Write = new(
        "write", ConfigKind.Choice,
        "What becomes of the rows that the target has: they are replaced, added to, or merged with by the key. The mode decides when not set.")
    {
        Choices =
        [
            new("replace", "overwrite"), new("append"), new("merge", "upsert"), new("truncate_insert") { IsSupported = false },
            new("delete_insert") { IsSupported = false }, new("replace_range") { IsSupported = false }, new("scd2") { IsSupported = false },
        ],
    };

    /// <summary>Columns that identify a row.</summary>
    public static readonly ConfigKey PrimaryKey = new(
        "primary_key", ConfigKind.Selection, "Columns that identify a row, by their names in the source; the source's own key when not set.");

    /// <summary>The cursor of incremental reads.</summary>
    public static readonly ConfigKey UpdateKey = new(
        "update_key", ConfigKind.Text, "Column that grows with every new or changed row: incremental reads go on behind its highest value.");

    /// <summary>How far incremental reads look back.</summary>
    public static readonly ConfigKey Lookback = new(
        "lookback", ConfigKind.Text, "How far before the last value of 'update_key' is read again: a duration such as 2h, or a number.");

    /// <summary>Which rows are read.</summary>
    public static readonly ConfigKey Where = new("where", ConfigKind.Text, "Condition on the rows that are read, in the source's SQL.");

    /// <summary>A statement instead of a table.</summary>
    public static readonly ConfigKey Sql = new("sql", ConfigKind.Text, "Statement in the source's SQL whose rows are the stream.");

    /// <summary>Slot of a log.</summary>
    public static readonly ConfigKey Slot = new(
        "slot", ConfigKind.Text, "Replication slot that keeps the source's log for this pipeline; nebula_ and the pipeline's name when not set.");

    /// <summary>Publication of a log.</summary>
    public static readonly ConfigKey Publication = new(
        "publication", ConfigKind.Text, "Publication that has the tables of the pipeline; nebula_ and the pipeline's name when not set.");

    /// <summary>What deletes do.</summary>
    public static readonly ConfigKey Deletes = new(
        "deletes", ConfigKind.Choice, "What a delete at the source does to the row at a target that merges: it is marked, deleted, or left.")
    {
        Default = "soft",
        Choices = [new("soft"), new("hard"), new("ignore")],
    };

    /// <summary>What is done without a position.</summary>
    public static readonly ConfigKey OnPositionLost = new(
        "on_position_lost", ConfigKind.Choice, "What is done when the log does not reach back to what is committed: the run fails, reads everything anew, or "
            + "compares source and target and reads what differs.")
    {
        Default = "fail",
        Choices = [new("fail"), new("resnapshot"), new("repair")],
    };

    /// <summary>Time between signs of life.</summary>
    public static readonly ConfigKey Heartbeat = new(
        "heartbeat", ConfigKind.Duration, "Longest time without a word to the source's log, so that an idle database need not keep it.")
    {
        Default = "30s",
    };

    /// <summary>Whether standbys get the slot.</summary>
    public static readonly ConfigKey Failover = new(
        "failover", ConfigKind.Flag, "Whether standbys get the slot, so that changes go on to be captured from one that takes over (PostgreSQL 17 and newer).")
    {
        Default = "false",
    };

    /// <summary>Folder for transactions that have not ended.</summary>
    public static readonly ConfigKey SpoolPath = new(
        "path", ConfigKind.Text, "Folder for what comes of large transactions before they are committed; the temporary folder when not set.");

    /// <summary>Most bytes of transactions that have not ended.</summary>
    public static readonly ConfigKey SpoolSize = new(
        "max_size", ConfigKind.Size, "Most bytes there, behind which the run fails; what the disk holds when not set. With 0B the source keeps them.");

    /// <summary>Where transactions are put that have not ended.</summary>
    public static readonly ConfigKey Spool = new("spool", ConfigKind.Section, "Where large transactions wait for their commit.")
    {
        Shorthand = SpoolPath,
        Keys = [SpoolPath, SpoolSize],
    };

    /// <summary>Change capture.</summary>
    public static readonly ConfigKey Capture = new("cdc", ConfigKind.Section, "How changes are captured.")
    {
        Keys = [Slot, Publication, Deletes, OnPositionLost, Heartbeat, Failover, Spool, ConfigKey.NotYet("snapshot")],
    };

    /// <summary>Everything that can be set on a stream.</summary>
    public static readonly ConfigKey Stream = new("stream", ConfigKind.Section, "Settings of a stream.")
    {
        NullIsEmpty = true,
        Keys =
        [
            Enabled, Mode, Write, PrimaryKey, UpdateKey, Lookback, Where, Sql, Capture, Object, Single, SourceOptions, TargetOptions, Select, Columns, Limit,
                Contract, OnError, Performance, Storage, Chunking, Verify,
            .. NotYet("range", "step", "resource", "fields", "naming", "metadata_columns"),
        ],
    };

    /// <summary>Version of the language.</summary>
    public static readonly ConfigKey Version = new(
        "version", ConfigKind.Integer, "Version of this file's language.")
    {
        Default = "1",
        Minimum = 1,
        Maximum = 1,
    };

    /// <summary>Where editors find the schema of a JSON file.</summary>
    public static readonly ConfigKey SchemaReference = new("$schema", ConfigKind.Text, "The JSON Schema of this file, for editors.");

    /// <summary>Name of the pipeline.</summary>
    public static readonly ConfigKey Name = new(
        "name", ConfigKind.Text, "Name of the pipeline, for messages and state. The file's name without extension when not set.");

    /// <summary>Connections by name.</summary>
    public static readonly ConfigKey Connections = new(
        "connections", ConfigKind.Table, "Connections by name. They may also be in ~/.nebula/connections.yaml or in the variable NEBULA_CONN_<NAME>.")
    {
        Item = new("connection", ConfigKind.Connection, "A type and the options of that connector."),
    };

    /// <summary>Type of a connection.</summary>
    public static readonly ConfigKey ConnectionType = new("type", ConfigKind.Text, "The connector.") { IsRequired = true };

    /// <summary>Source.</summary>
    public static readonly ConfigKey Source = new(
        "source", ConfigKind.ConnectionOrName, "Where rows come from: the name of a connection, or a connection itself.")
    {
        IsRequired = true,
    };

    /// <summary>Target.</summary>
    public static readonly ConfigKey Target = new(
        "target", ConfigKind.ConnectionOrName, "Where rows go: the name of a connection, or a connection itself.")
    {
        IsRequired = true,
        Aliases = ["destination"],
    };

    /// <summary>Defaults of streams.</summary>
    public static readonly ConfigKey Defaults = Stream with
    {
        Name = "defaults",
        Summary = "Settings that hold for every stream that does not set them"
        + " itself. Maps merge, lists replace, null removes."
    };

    /// <summary>Streams.</summary>
    public static readonly ConfigKey Streams = new(
        "streams", ConfigKind.Table, "Streams by name or wildcard; where several match, the most specific one wins. Every stream of the source when not set.")
    {
        Item = Stream,
    };

    /// <summary>Time limit of a run.</summary>
    public static readonly ConfigKey RunTimeout = new("run", ConfigKind.Duration, "Longest time of a whole run; no limit when not set.") { AllowsNone = true };

    /// <summary>Timeouts.</summary>
    public static readonly ConfigKey Timeouts = new(
        "timeouts", ConfigKind.Section, "How long things may take.")
    {
        Keys = [RunTimeout, .. NotYet("connection", "request", "idle")],
    };

    /// <summary>Memory limit.</summary>
    public static readonly ConfigKey Memory = new(
        "memory", ConfigKind.Size, "Memory that the whole process should stay within. What a run needs anyway, about 100 MB, when not set.")
    {
        AllowsNone = true,
    };

    /// <summary>Duration limit.</summary>
    public static readonly ConfigKey MaxDuration = new(
        "max_duration", ConfigKind.Duration, "Longest time that a run may take before it counts as out of bounds; no limit when not set.")
    {
        AllowsNone = true,
    };

    /// <summary>Limits.</summary>
    public static readonly ConfigKey Limits = new(
        "limits", ConfigKind.Section, "Bounds that end a run.")
    {
        Keys = [Memory, MaxDuration, ConfigKey.NotYet("max_bytes_scanned")],
    };

    /// <summary>Streams at once.</summary>
    public static readonly ConfigKey ParallelStreams = new(
        "parallel_streams", ConfigKind.Integer, "Streams that run at once.")
    {
        Default = "2",
        Minimum = 1,
        Maximum = 1024,
    };

    /// <summary>Order of work.</summary>
    public static readonly ConfigKey Run = new(
        "run", ConfigKind.Section, "How streams are worked off.")
    {
        Keys = [ParallelStreams, ConfigKey.NotYet("order")],
    };

    /// <summary>Where state is kept.</summary>
    public static readonly ConfigKey StateLocation = new(
        "location", ConfigKind.Folder, "A folder for checkpoints and for runs that were interrupted, or none; .nebula beside the pipeline file when not set.");

    /// <summary>State.</summary>
    public static readonly ConfigKey State = new("state", ConfigKind.Section, "What is remembered from run to run.")
    {
        Shorthand = StateLocation,
        Keys = [StateLocation],
    };

    /// <summary>Logging level.</summary>
    public static readonly ConfigKey LoggingLevel = new("logging_level", ConfigKind.Choice, "Least severity that is logged.")
    {
        Default = "info",
        Choices = [new("debug"), new("info"), new("warn", "warning"), new("error")],
    };

    /// <summary>Observability.</summary>
    public static readonly ConfigKey Observability = new("observability", ConfigKind.Section, "What a run tells about itself.")
    {
        Keys = [LoggingLevel, .. NotYet("metrics_enabled", "metrics", "profiling_enabled", "tracing_enabled", "tracing")],
    };

    /// <summary>When a deployed pipeline runs.</summary>
    public static readonly ConfigKey Schedule = new(
        "schedule", ConfigKind.Schedule, "When the deployed pipeline runs, UTC: second, minute, hour, day, month, day of the week.")
    {
        AllowsNone = true,
    };

    /// <summary>Timer of the functions app.</summary>
    public static readonly ConfigKey TimerTrigger = new("timer", ConfigKind.Section, "Runs of the functions app by the clock; wins over 'schedule'.")
    {
        Shorthand = Schedule,
        Keys = [Schedule, ConfigKey.NotYet("streams")],
    };

    /// <summary>Path of blobs.</summary>
    public static readonly ConfigKey BlobPath = new(
        "path", ConfigKind.Text, "Container and name of the blobs whose arrival starts a run; {name}, * and ? stand for parts of a name, ** for folders.")
    {
        IsRequired = true,
    };

    /// <summary>Blob trigger of the functions app.</summary>
    public static readonly ConfigKey BlobTrigger = new("blob", ConfigKind.Section, "Runs of the functions app when blobs arrive, once per version of a blob.")
    {
        Shorthand = BlobPath,
        Keys = [BlobPath, ConfigKey.NotYet("stream"), ConfigKey.NotYet("once_per")],
    };

    /// <summary>Triggers of the functions app.</summary>
    public static readonly ConfigKey Triggers = new("triggers", ConfigKind.Section, "What starts runs in the functions app, besides calls and messages.")
    {
        Keys = [TimerTrigger, BlobTrigger, .. NotYet("http", "queue")],
    };

    /// <summary>The functions app.</summary>
    public static readonly ConfigKey Azure = new("azure", ConfigKind.Section, "How the pipeline runs as a part of an Azure Functions app.")
    {
        Keys = [Triggers, .. NotYet("hub", "fan_out", "checkpoint")],
    };

    /// <summary>The settings that hold for a run rather than for a stream.</summary>
    public static readonly ConfigKey[] RunSettings = [Timeouts, Limits, Run, Observability];

    /// <summary>A pipeline file.</summary>
    public static readonly ConfigKey Pipeline = new("pipeline", ConfigKind.Section, "A Nebula pipeline: what is read, from where, and where it goes.")
    {
        Keys =
        [
            SchemaReference, Version, Name, Connections, Source, Target, Defaults, Streams, Performance, Storage, State, .. RunSettings,
            Schedule, Azure, .. NotYet("hooks", "reliability", "plan"),
        ],
    };

    /// <summary>The user's own file of connections.</summary>
    public static readonly ConfigKey ConnectionsFile = new(
        "connections file", ConfigKind.Section, "Connections for all pipelines of a user.")
    {
        Keys = [Version, Connections],
    };

    /// <summary>What one of two files can set besides the options of its connector.</summary>
    public static readonly ConfigKey EndpointSettings = new("settings", ConfigKind.Section, "Settings beside a connector's own.")
    {
        Keys = [SchemaReference, Version, Name, Performance, Storage, .. RunSettings, .. NotYet("reliability")],
    };

    /// <summary>What can be set from outside, on top of a file.</summary>
    public static readonly ConfigKey Overrides = new("flags", ConfigKind.Section, "What flags can set.")
    {
        Keys =
        [
            Name, Source with { Kind = ConfigKind.Options, IsRequired = false }, Target with
                { Kind = ConfigKind.Options, IsRequired = false }, State, .. RunSettings, .. Stream.Keys,
        ],
    };

    private static IEnumerable<ConfigKey> NotYet(params string[] names) => names.Select(ConfigKey.NotYet);
}
