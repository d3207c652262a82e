using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>
/// A stream put into a temporary file so that it can be read in any order. The file has no name for longer than it takes
/// to open it, where the system allows that.
/// </summary>
internal sealed class SpooledBytes : IRandomAccess
{
    private readonly FileStream _file;
    private readonly LocalBytes _bytes;

    private SpooledBytes(FileStream file, string name)
    {
        _file = file;
        _bytes = new LocalBytes(name, file.SafeFileHandle);
    }

    public string Name => _bytes.Name;

    public long Length => _bytes.Length;

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="NebulaException">There is no room for it, or it cannot be read.</exception>
    public static SpooledBytes Of(Stream content, string name)
    {
        var path = Path.Combine(Path.GetTempPath(), $"nebula-{Guid.NewGuid():N}");
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, bufferSize: 0, System.IO.FileOptions.DeleteOnClose);
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
            content.CopyTo(file, 1 << 20);
            return new SpooledBytes(file, name);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new NebulaException(ErrorKind.Permission,
                    $"'{name}' must be read in any order and is put into the temporary folder '{Path.GetTempPath()}' "
                    + $"for that, which failed: {e.Message} Set TMPDIR to a folder with room.",
                    inner: e);
            throw;
        }
    }

    /// <summary>The same bytes for another reader, whose disposal ends nothing.</summary>
    public IRandomAccess Share() => new View(this);

    public void Read(long offset, Span<byte> target) => _bytes.Read(offset, target);

    public void Dispose()
    {
        _bytes.Dispose();
        _file.Dispose();
    }

    private sealed class View(SpooledBytes owner) : IRandomAccess
    {
        public string Name => owner.Name;

        public long Length => owner.Length;

        public void Read(long offset, Span<byte> target) => owner.Read(offset, target);

        public void Dispose()
        {
        }
    }
}
