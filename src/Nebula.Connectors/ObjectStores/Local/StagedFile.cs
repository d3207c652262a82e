using Microsoft.Win32.SafeHandles;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>A file while it is written, under a temporary name beside its target, locked against other runs. What is not completed is removed.</summary>
internal sealed class StagedFile : IStagedObject
{
    private readonly SafeFileHandle _handle;
    private readonly bool _isContinued;
    private bool _completed;

    public StagedFile(string location)
    {
        Location = location;
        _handle = File.OpenHandle(location, FileMode.Create, FileAccess.Write, FileShare.None);
    }

    /// <summary>Takes up a file that was completed.</summary>
    /// <param name="location">Where it is.</param>
    /// <param name="length">Bytes of it that count.</param>
    public StagedFile(string location, long length)
    {
        Location = location;
        _handle = File.OpenHandle(location, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        _isContinued = true;
        Length = length;
        if (RandomAccess.GetLength(_handle) < length)
        {
            _handle.Dispose();
            throw new NebulaException(ErrorKind.Fatal, $"'{location}' should have {length} bytes of the chunks before, but is shorter. Someone changed it: start the run again.");
        }
        RandomAccess.SetLength(_handle, length);
    }

    public string Location { get; }

    public long Length { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, Length);
        }
        catch (IOException e)
        {
            throw new NebulaException(ErrorKind.Transient, $"'{Location}' cannot be written: {e.Message}", inner: e);
        }
        Length += bytes.Length;
    }

    public void Flush()
    {
    }

    public void Complete()
    {
        LocalStore.Guard(Location, "written", () =>
        {
            RandomAccess.FlushToDisk(_handle);
            return 0;
        });
        _completed = true;
        _handle.Dispose();
    }

    public void Dispose()
    {
        _handle.Dispose();
        // what is there of chunks before is still good: the next attempt cuts off the rest
        if (!_completed && !_isContinued)
            File.Delete(Location);
    }
}
