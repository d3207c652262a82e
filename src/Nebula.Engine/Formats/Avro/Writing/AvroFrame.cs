using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Avro.Reading;

namespace Nebula.Engine.Formats.Avro.Writing;

/// <summary>The frame of a container file: a header, and nothing between blocks or behind them.</summary>
/// <param name="header">The header.</param>
internal sealed unsafe class AvroFrame(byte[] header) : IFileFrame
{
    /// <inheritdoc/>
    public void Begin(IFileOutput output) => output.Write(header);

    /// <inheritdoc/>
    public void Add(EncodedBlock block, IFileOutput output) => output.Write(block);

    /// <inheritdoc/>
    public void End(IFileOutput output)
    {
    }

    /// <summary>Renders a header.</summary>
    public static byte[] MakeHeader(byte[] schema, AvroCodec codec, byte[] marker)
    {
        var header = new List<byte>();
        header.AddRange(AvroHeader.Magic);
        AddLong(header, 2);
        AddBytes(header, "avro.schema"u8);
        AddBytes(header, schema);
        AddBytes(header, "avro.codec"u8);
        AddBytes(header, Encoding.ASCII.GetBytes(AvroCodecs.NameOf(codec)));
        AddLong(header, 0);
        header.AddRange(marker);
        return [.. header];
    }

    private static void AddBytes(List<byte> header, ReadOnlySpan<byte> bytes)
    {
        AddLong(header, bytes.Length);
        header.AddRange(bytes);
    }

    private static void AddLong(List<byte> header, long value)
    {
        var bytes = stackalloc byte[AvroBinary.MaxVarint];
        header.AddRange(new ReadOnlySpan<byte>(bytes, (int)(AvroRowWriter.WriteLong(bytes, value) - bytes)));
    }
}
