using System.Diagnostics;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;

namespace Nebula.Cli.Running;

/// <summary>How far a stream is.</summary>
internal enum StreamState
{
    /// <summary>Not started.</summary>
    Waiting,

    /// <summary>Under way.</summary>
    Running,

    /// <summary>Committed.</summary>
    Completed,

    /// <summary>Ended by an error; the target is as it was.</summary>
    Failed,

    /// <summary>Ended by the user or the system; the target is as it was.</summary>
    Interrupted,

    /// <summary>Ended because whoever read standard output has seen enough.</summary>
    OutputClosed,
}

/// <summary>What can be seen of the run of one stream.</summary>
internal sealed class StreamExecution(StreamJob job)
{
    private readonly List<string> _restarts = [];
    private long _started;
    private TimeSpan _elapsed;

    /// <summary>What is to be done.</summary>
    public StreamJob Job { get; } = job;

    /// <summary>How far it is.</summary>
    public StreamState State { get; private set; }

    /// <summary>The counts so far.</summary>
    public PipelineMetrics Metrics { get; } = new();

    /// <summary>How it is written, once that is known.</summary>
    public StreamPlan? Plan { get; private set; }

    /// <summary>What readers can now see, once it is committed; null before.</summary>
    public IReadOnlyList<string>? Locations { get; private set; }

    /// <summary>Bytes as stored at the destination, once it is committed; null before.</summary>
    public long? StoredBytes { get; private set; }

    /// <summary>Why it failed.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Why it started again, each time.</summary>
    public IReadOnlyList<string> Restarts => _restarts;

    /// <summary>Where rows are that could not be read; null when there are none.</summary>
    public string? QuarantinedAt { get; set; }

    /// <summary>How long it has taken.</summary>
    public TimeSpan Elapsed => State == StreamState.Running ? Stopwatch.GetElapsedTime(_started) : _elapsed;

    /// <summary>Whether the next run goes on where this one stopped.</summary>
    public bool IsResumable { get; set; }

    /// <summary>Whether its snapshot is committed, and its changes are read.</summary>
    public bool IsFollowed { get; set; }

    /// <summary>Whether rows can be seen at once (standard output, a pipe), not only when all are committed.</summary>
    public bool GoesOutAtOnce { get; set; } = job.OutputIsData;

    /// <summary>Whether rows that were written can be seen: all of them, or what was committed of changes.</summary>
    public bool IsPublished => State == StreamState.Completed || GoesOutAtOnce || IsFollowed || Locations is not null;

    /// <summary>Whether it has ended, well or not.</summary>
    public bool HasEnded => State is not (StreamState.Waiting or StreamState.Running);

    /// <summary>It has started.</summary>
    public void Start()
    {
        _started = Stopwatch.GetTimestamp();
        State = StreamState.Running;
    }

    /// <summary>Its columns are known.</summary>
    public void SetPlan(StreamPlan plan) => Plan = plan;

    /// <summary>It has started again.</summary>
    public void Restart(string reason) => _restarts.Add(reason);

    /// <summary>It is committed.</summary>
    public void Commit(IReadOnlyList<string> locations, long storedBytes) => (Locations, StoredBytes) = (locations, storedBytes);

    /// <summary>It has ended.</summary>
    /// <param name="state">How.</param>
    /// <param name="error">Why it failed.</param>
    public void End(StreamState state, Exception? error = null)
    {
        _elapsed = State == StreamState.Waiting ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_started);
        Error = error;
        State = state;
    }
}
