using Microsoft.Win32.SafeHandles;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>A file while it is written, under a temporary name beside its target, locked against other runs. What is not completed is removed.</summary>
internal sealed class StagedFile : IStagedObject
{
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private string? _location;

    public StagedFile(string path)
    {
        _path = path;
        _handle = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.None);
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
            RandomAccess.FlushToDisk(_handle);
            _location = new StagedLocation(_path, Length, File.GetLastWriteTimeUtc(_handle).Ticks).Render();
            return 0;
        });
        _handle.Dispose();
    }

    public void Dispose()
    {
        _handle.Dispose();
        if (_location is null)
            File.Delete(_path);
    }
}
