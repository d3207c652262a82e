using Microsoft.Win32.SafeHandles;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>The bytes of a file of this machine.</summary>
/// <param name="name">The file, for messages.</param>
/// <param name="handle">The open file, which this owns.</param>
internal sealed class LocalBytes(string name, SafeFileHandle handle) : IRandomAccess
{
    public string Name => name;

    public long Length { get; } = RandomAccess.GetLength(handle);

    public void Read(long offset, Span<byte> target)
    {
        if (offset < 0 || target.Length > Length - offset)
            throw new DataFormatException(
                $"{target.Length} bytes are needed here, but the file ends at byte {Length}: it was cut off, or is corrupt.",
                new SourceLocation(name, ByteOffset: offset));
        while (!target.IsEmpty)
        {
            var count = ReadSome(target, offset);
            if (count == 0)
                throw new DataFormatException("the file became shorter while it was read", new SourceLocation(name, ByteOffset: offset));
            target = target[count..];
            offset += count;
        }
    }

    public void Dispose() => handle.Dispose();

    private int ReadSome(Span<byte> target, long offset)
    {
        try
        {
            return RandomAccess.Read(handle, target, offset);
        }
        catch (IOException e)
        {
            throw LocalStore.Failure(name, "read", e);
        }
    }
}
