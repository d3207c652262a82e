using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Engine.Tests.Formats;

/// <summary>A file in memory.</summary>
internal sealed class MemoryOutput : IFileOutput, IDisposable
{
    private readonly MemoryStream _bytes = new();

    public long Position => _bytes.Length;

    public byte[] Bytes => _bytes.ToArray();

    public string Text => Encoding.UTF8.GetString(_bytes.GetBuffer(), 0, (int)_bytes.Length);

    /// <summary>The file that an encoder makes of blocks.</summary>
    public static MemoryOutput Of(IBlockEncoder encoder, params ReadOnlySpan<EncodedBlock> blocks)
    {
        var output = new MemoryOutput();
        var frame = encoder.CreateFrame();
        frame.Begin(output);
        foreach (var block in blocks)
            frame.Add(block, output);
        frame.End(output);
        return output;
    }

    public void Write(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

    public void Write(EncodedBlock block) => _bytes.Write(block.Buffer.Content);

    public void Dispose() => _bytes.Dispose();
}
