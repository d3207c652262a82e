using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli;

/// <summary>What the process tells its caller. Scripts rely on these numbers: they never change their meaning.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Internal = 1;
    public const int Configuration = 2;
    public const int Connection = 3;
    public const int Schema = 4;
    public const int Data = 5;
    public const int Verification = 6;
    public const int PositionLost = 7;
    public const int Limit = 8;
    public const int Locked = 9;
    public const int Partial = 10;
    public const int Interrupted = 130;

    /// <summary>The only place that turns an error into a number.</summary>
    public static int Of(Exception error) => error switch
    {
        OutputClosedException => Success,
        OperationCanceledException => Interrupted,
        NebulaException nebula => nebula.Kind switch
        {
            ErrorKind.Configuration => Configuration,
            ErrorKind.Authentication or ErrorKind.Permission or ErrorKind.NotFound or ErrorKind.Throttled or ErrorKind.Transient => Connection,
            ErrorKind.Data => Data,
            ErrorKind.Schema => Schema,
            ErrorKind.Verification => Verification,
            ErrorKind.PositionLost => PositionLost,
            ErrorKind.Limit => Limit,
            ErrorKind.Locked => Locked,
            _ => Internal,
        },
        OutOfMemoryException => Limit,
        _ => Internal,
    };
}
