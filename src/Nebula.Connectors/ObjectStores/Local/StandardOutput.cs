using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>Standard output: whoever reads along sees everything at once, so there is nothing to publish and no way back.</summary>
internal sealed class StandardOutput : IStagedObject
{
    private readonly Stream? _stream = OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : null;

    public string Location => "";

    public long Length { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (_stream is null)
                StandardHandles.Write(bytes);
            else
                _stream.Write(bytes);
        }
        catch (IOException e)
        {
            throw new NebulaException(ErrorKind.Transient, $"Standard output cannot be written: {e.Message}", inner: e);
        }
        Length += bytes.Length;
    }

    public void Flush() => _stream?.Flush();

    public void Complete() => Flush();

    public void Dispose() => _stream?.Dispose();
}
