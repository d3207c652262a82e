using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;

namespace Nebula.Orchestration.Sync;

/// <summary>Is told what a worker does in this process, to show it. Calls may come from any thread. A step that is repeated is told again.</summary>
public interface ISyncObserver
{
    /// <summary>The counts of a stream, which the worker adds to.</summary>
    /// <param name="task">The stream.</param>
    PipelineMetrics MetricsOf(StreamTask task);

    /// <summary>The columns of a stream are known.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="plan">The stream as it is written.</param>
    void Planned(StreamTask task, StreamPlan plan);

    /// <summary>A stream that another process had begun is taken up.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="plan">The stream as it is written.</param>
    void Continued(StreamTask task, StreamPlan plan);

    /// <summary>The snapshot of a captured stream is committed: from now on its changes are read.</summary>
    /// <param name="task">The stream.</param>
    void Captured(StreamTask task);

    /// <summary>A step failed. It may be repeated.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="error">Why.</param>
    void Failed(StreamTask task, Exception error);

    /// <summary>A part of a stream's values gets lost, as its settings allow.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="warning">What gets lost.</param>
    void Warned(StreamTask task, string warning);

    /// <summary>A stream starts again.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="reason">Why.</param>
    void Restarted(StreamTask task, string reason);

    /// <summary>Rows that could not be read are in a file.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="path">The file.</param>
    void Quarantined(StreamTask task, string path);

    /// <summary>A stream is committed.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="receipt">What readers see now.</param>
    /// <param name="storedBytes">Bytes of it as stored.</param>
    void Committed(StreamTask task, CommitReceipt receipt, long storedBytes);

    /// <summary>A stream is committed and its source was told.</summary>
    /// <param name="task">The stream.</param>
    void Completed(StreamTask task);
}
