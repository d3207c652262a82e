using Nebula.Cli.Running;

namespace Nebula.Cli.Output;

/// <summary>Shows nothing but errors.</summary>
/// <param name="show">Shows one.</param>
internal sealed class QuietDisplay(Action<Exception> show) : IRunDisplay
{
    public TimeSpan RefreshInterval => Timeout.InfiniteTimeSpan;

    public void RunStarted(RunExecution run)
    {
    }

    public void StreamStarted(StreamExecution stream)
    {
    }

    public void StreamPlanned(StreamExecution stream)
    {
    }

    public void StreamRestarted(StreamExecution stream, string reason)
    {
    }

    public void StreamWarned(StreamExecution stream, string warning)
    {
    }

    public void StreamEnded(StreamExecution stream)
    {
        if (stream.Error is { } error)
            show(error);
    }

    public void Refresh()
    {
    }

    public void RunCompleted(RunExecution run)
    {
    }
}
