using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>
/// A pipe with a name, or a device such as <c>/dev/null</c>, while it is written. What is written is on its way at once; the file itself stays what it is.
/// </summary>
/// <param name="path">Its path.</param>
internal sealed class PipeOutput(string path) : IStagedObject
{
    private const int NotOpen = -1;
    private int _descriptor = NotOpen;
    private volatile bool _interrupted;

    public string Location => "";

    public long Length { get; private set; }

    /// <summary>Makes sure that the user may write it.</summary>
    /// <exception cref="NebulaException">It must not be written.</exception>
    public static void CheckWritable(string path)
    {
        try
        {
            // nobody reads a pipe yet: that is no reason against it
            StandardHandles.Close(StandardHandles.OpenForWriting(path, static () => true));
        }
        catch (OperationCanceledException)
        {
        }
        catch (IOException e)
        {
            throw Failure(path, e);
        }
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            // opened with the first bytes: who opens it waits until somebody reads
            if (_descriptor == NotOpen)
                _descriptor = StandardHandles.OpenForWriting(path, () => _interrupted);
            StandardHandles.Write(_descriptor, bytes, () => _interrupted);
        }
        catch (IOException e)
        {
            throw Failure(path, e);
        }
        Length += bytes.Length;
    }

    public void Flush()
    {
    }

    // whoever reads a pipe learns that it is empty when it was opened and closed
    public void Complete() => Write([]);

    public void Interrupt() => _interrupted = true;

    public void Dispose()
    {
        if (_descriptor != NotOpen)
            StandardHandles.Close(_descriptor);
        _descriptor = NotOpen;
    }

    private static NebulaException Failure(string path, IOException e) => new(ErrorKind.Transient, $"'{path}' cannot be written: {e.Message}", inner: e);
}
