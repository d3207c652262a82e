using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Conformance.Tests.Containers;

/// <summary>A file in memory.</summary>
internal sealed class MemoryBytes(string name, byte[] bytes) : IRandomAccess
{
    public string Name => name;

    public long Length => bytes.Length;

    public void Read(long offset, Span<byte> target)
    {
        if (offset < 0 || offset > bytes.Length || target.Length > bytes.Length - offset)
            throw new DataFormatException($"{target.Length} bytes are missing behind the end of the file", new SourceLocation(name, ByteOffset: offset));
        bytes.AsSpan((int)offset, target.Length).CopyTo(target);
    }

    public void Dispose()
    {
    }
}
