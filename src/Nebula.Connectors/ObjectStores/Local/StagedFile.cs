using Microsoft.Win32.SafeHandles;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>A file while it is written, under a temporary name beside its target, locked against other runs. What is not completed is removed.</summary>
internal sealed class StagedFile : IStagedObject
{
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly bool _isContinued;
    private string? _location;

    public StagedFile(string path)
    {
        _path = path;
        _handle = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.None);
    }

    /// <summary>Takes up a file that was complete.</summary>
    /// <param name="staged">Where it is, and how long it was.</param>
    public StagedFile(StagedLocation staged)
    {
        _path = staged.Path;
        _isContinued = true;
        _handle = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Length = staged.Length;
        if (RandomAccess.GetLength(_handle) < Length)
        {
            _handle.Dispose();
            throw new NebulaException(ErrorKind.Fatal,
                $"'{_path}' should have {Length} bytes of the chunks before, but is shorter. Someone changed it: start the run again.");
        }
        RandomAccess.SetLength(_handle, Length);
    }

    public string Location => _location ?? throw new InvalidOperationException("A staged file has a location once it is complete.");

    public long Length { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, Length);
        }
        catch (IOException e)
        {
            throw new NebulaException(ErrorKind.Transient, $"'{_path}' cannot be written: {e.Message}", inner: e);
        }
        Length += bytes.Length;
    }

    public void Flush()
    {
    }

    public void Complete()
    {
        LocalStore.Guard(_path, "written", () =>
        {
            // a file that more is put behind is made durable when it is published
            if (!_isContinued)
                RandomAccess.FlushToDisk(_handle);
            _location = new StagedLocation(_path, Length, File.GetLastWriteTimeUtc(_handle).Ticks).Render();
            return 0;
        });
        _handle.Dispose();
    }

    public void Dispose()
    {
        _handle.Dispose();
        // what is there of chunks before is still good: the next attempt cuts off the rest
        if (_location is null && !_isContinued)
            File.Delete(_path);
    }
}
