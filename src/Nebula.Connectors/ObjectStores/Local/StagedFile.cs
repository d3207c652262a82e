using Microsoft.Win32.SafeHandles;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>A file while it is written, under a temporary name beside its target, locked against other runs. What is not completed is removed.</summary>
internal sealed class StagedFile : IStagedObject
{
    private readonly SafeFileHandle _handle;
    private bool _completed;

    public StagedFile(string location)
    {
        Location = location;
        _handle = File.OpenHandle(location, FileMode.Create, FileAccess.Write, FileShare.None);
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
        if (!_completed)
            File.Delete(Location);
    }
}
