using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Output;

/// <summary>
/// Standard output or standard error, without what the runtime's console prepares before the first byte (encodings, the terminal's modes), which costs more than
/// a short run says. As with the runtime's own streams, what nobody reads is no error; what the system refuses is a <see cref="NebulaException"/>.
/// </summary>
internal sealed class StandardStream : Stream
{
    private readonly int _descriptor;
    private readonly string _name;

    private StandardStream(int descriptor, string name) => (_descriptor, _name) = (descriptor, name);

    /// <summary>Opens standard output.</summary>
    public static Stream OpenOutput() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardStream(1, "output");

    /// <summary>Opens standard error.</summary>
    public static Stream OpenError() => OperatingSystem.IsWindows() ? Console.OpenStandardError() : new StandardStream(2, "error");

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            StandardHandles.Write(_descriptor, buffer, static () => false);
        }
        catch (OutputClosedException)
        {
            // whoever read it has seen enough
        }
        catch (IOException e)
        {
            throw new NebulaException(ErrorKind.Transient, $"Standard {_name} cannot be written: {e.Message}", inner: e);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
