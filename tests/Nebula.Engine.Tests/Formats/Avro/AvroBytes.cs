using System.Text;

namespace Nebula.Engine.Tests.Formats.Avro;

/// <summary>Makes files by hand, right or wrong.</summary>
internal sealed class AvroBytes
{
    private static readonly byte[] Marker = Encoding.ASCII.GetBytes("0123456789abcdef");
    private readonly List<byte> _bytes = [];

    public AvroBytes()
    {
    }

    /// <summary>The header of a file.</summary>
    public static AvroBytes File(string schema, string codec = "null")
    {
        var file = new AvroBytes();
        file._bytes.AddRange("Obj\u0001"u8);
        file.Long(2).Text("avro.schema").Text(schema).Text("avro.codec").Text(codec).Long(0);
        file._bytes.AddRange(Marker);
        return file;
    }

    /// <summary>A block.</summary>
    public AvroBytes Block(long rows, AvroBytes data)
    {
        Long(rows).Long(data._bytes.Count);
        _bytes.AddRange(data._bytes);
        _bytes.AddRange(Marker);
        return this;
    }

    public AvroBytes Long(long value)
    {
        var rest = (ulong)(value << 1 ^ value >> 63);
        for (; rest >= 0x80; rest >>= 7)
            _bytes.Add((byte)(rest | 0x80));
        _bytes.Add((byte)rest);
        return this;
    }

    public AvroBytes Text(string value) => Sized(Encoding.UTF8.GetBytes(value));

    public AvroBytes Sized(params byte[] value) => Long(value.Length).Raw(value);

    public AvroBytes Raw(params byte[] value)
    {
        _bytes.AddRange(value);
        return this;
    }

    public AvroBytes Double(double value) => Raw(BitConverter.GetBytes(value));

    public byte[] ToArray() => [.. _bytes];
}
