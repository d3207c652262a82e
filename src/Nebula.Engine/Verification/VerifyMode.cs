namespace Nebula.Engine.Verification;

/// <summary>What is recorded of a stream, to prove later that what lies at the destination is what was read.</summary>
public enum VerifyMode
{
    /// <summary>Nothing is compared.</summary>
    Off,

    /// <summary>The number of rows of each chunk.</summary>
    Count,

    /// <summary>The number of rows of each chunk, and a hash of each of its columns and of its rows.</summary>
    Chunk,
}
