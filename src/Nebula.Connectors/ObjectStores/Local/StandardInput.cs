using Nebula.Connectors.Files;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>Standard input. A read that waits for somebody to write can be interrupted.</summary>
internal sealed class StandardInput : ReadOnlyStream, IInterruptible
{
    private readonly Stream? _stream = OperatingSystem.IsWindows() ? Console.OpenStandardInput() : null;
    private readonly Func<bool> _isInterrupted;
    private volatile bool _interrupted;

    public StandardInput() => _isInterrupted = () => _interrupted;

    public void Interrupt() => _interrupted = true;

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return _stream?.Read(buffer) ?? StandardHandles.Read(buffer, _isInterrupted);
        }
        catch (IOException e)
        {
            throw new NebulaException(ErrorKind.Transient, $"Standard input cannot be read: {e.Message}", inner: e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _stream?.Dispose();
        base.Dispose(disposing);
    }
}
