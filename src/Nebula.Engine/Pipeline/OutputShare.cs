namespace Nebula.Engine.Pipeline;

/// <summary>What one block has in an <see cref="OutputWindow"/>.</summary>
/// <param name="window">The window.</param>
/// <param name="block">Number of the block in the order in which blocks have their turns, from 0.</param>
/// <param name="work">What else those who wait can do.</param>
internal sealed class OutputShare(OutputWindow window, long block, WorkQueue work)
{
    /// <summary>The block's number.</summary>
    public long Block => block;

    /// <summary>Its bytes that wait; the window's to change.</summary>
    public long Bytes { get; set; }

    /// <summary>Adds bytes, after waiting for room.</summary>
    /// <param name="bytes">Number of bytes.</param>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public void Enter(long bytes) => window.Enter(this, bytes, work);

    /// <summary>Takes bytes out.</summary>
    /// <param name="bytes">Number of bytes.</param>
    public void Leave(long bytes) => window.Leave(this, bytes);
}
