using Nebula.Connectors.Files;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>
/// A pipe with a name, such as <c>mkfifo</c> or a shell's <c>&lt;(command)</c> makes. A read that waits for somebody to write can be interrupted.
/// </summary>
internal sealed class PipeInput : ReadOnlyStream, IInterruptible
{
    private readonly string _path;
    private readonly Func<bool> _isInterrupted;
    private readonly int _descriptor;
    private volatile bool _interrupted;
    private int _closed;

    /// <exception cref="IOException">It cannot be opened.</exception>
    public PipeInput(string path)
    {
        _path = path;
        _isInterrupted = () => _interrupted;
        _descriptor = StandardHandles.OpenPipe(path);
    }

    /// <summary>Whether a path names a pipe; false where the system is not asked.</summary>
    public static bool IsPipe(string path)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            return StandardHandles.IsPipe(path);
        }
        catch (EntryPointNotFoundException)
        {
            // a C library from before 2018
            return false;
        }
    }

    public void Interrupt() => _interrupted = true;

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return StandardHandles.Read(_descriptor, buffer, _isInterrupted);
        }
        catch (IOException e)
        {
            throw new NebulaException(ErrorKind.Transient, $"'{_path}' cannot be read: {e.Message}", inner: e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
            StandardHandles.Close(_descriptor);
        base.Dispose(disposing);
    }
}
