namespace Nebula.Engine.Diagnostics;

/// <summary>What class of failure an error is. Decided once, where the error is made; it fixes retry behaviour and the exit code.</summary>
public enum ErrorKind
{
    /// <summary>The pipeline file, a flag or an option is wrong. Exit code 2.</summary>
    Configuration,

    /// <summary>Credentials were refused. Exit code 3.</summary>
    Authentication,

    /// <summary>The credentials are good but do not allow the operation. Exit code 3.</summary>
    Permission,

    /// <summary>A file, table or other object does not exist. Exit code 3.</summary>
    NotFound,

    /// <summary>A row or value does not follow the format or type it claims. Exit code 5.</summary>
    Data,

    /// <summary>The source's or destination's schema breaks the contract of the stream. Exit code 4.</summary>
    Schema,

    /// <summary>A configured limit was reached (memory, cost, duration). Exit code 8.</summary>
    Limit,

    /// <summary>The system asked to slow down. Retried.</summary>
    Throttled,

    /// <summary>The way to the system failed; the same call may succeed later. Retried. Exit code 3.</summary>
    Transient,

    /// <summary>Another run holds the target. Exit code 9.</summary>
    Locked,

    /// <summary>What lies at the destination is not what was read. Exit code 6.</summary>
    Verification,

    /// <summary>The source's log does not reach back to what is committed, or it is another server's. Exit code 7.</summary>
    PositionLost,

    /// <summary>Nothing the user can mend: a defect or a broken machine. Exit code 1.</summary>
    Fatal,
}
