using System.Text;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>The start of a file (Avro specification, "Object Container Files").</summary>
internal sealed class AvroHeader
{
    /// <summary>Bytes of a synchronisation marker.</summary>
    public const int MarkerSize = 16;

    /// <summary>Most bytes of a header: a schema is text that people write.</summary>
    private const int MaxSize = 64 << 20;
    private const int FirstRead = 16 << 10;

    private AvroHeader(AvroSchema schema, AvroCodec codec, byte[] marker, int length, IReadOnlyList<KeyValuePair<string, byte[]>> metadata)
    {
        Schema = schema;
        Codec = codec;
        Marker = marker;
        Length = length;
        Metadata = metadata;
    }

    /// <summary>What every file begins with.</summary>
    public static ReadOnlySpan<byte> Magic => "Obj\u0001"u8;

    /// <summary>The schema that the file was written with.</summary>
    public AvroSchema Schema { get; }

    /// <summary>How its blocks are compressed.</summary>
    public AvroCodec Codec { get; }

    /// <summary>What stands behind every block.</summary>
    public byte[] Marker { get; }

    /// <summary>Bytes of the header; the first block begins here.</summary>
    public int Length { get; }

    /// <summary>All that the header says, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, byte[]>> Metadata { get; }

    /// <summary>Reads a header.</summary>
    /// <exception cref="DataFormatException">The file is no Avro container file, or uses what is not supported.</exception>
    public static AvroHeader Read(IRandomAccess file)
    {
        for (var size = (int)Math.Min(FirstRead, file.Length); ; size = (int)Math.Min(4L * size, file.Length))
        {
            var bytes = new byte[size];
            file.Read(0, bytes);
            if (!bytes.AsSpan().StartsWith(Magic))
                throw NotAvro(bytes, file.Name);
            if (TryRead(bytes, file.Name) is { } header)
                return header;
            if (size == file.Length || size > MaxSize)
                throw new DataFormatException(size > MaxSize
                    ? "The header of the file is larger than 64 MB, which is not supported."
                    : "The file ends within its header. It was cut off: fetch or write it again.", new SourceLocation(file.Name, ByteOffset: size));
        }
    }

    private static AvroHeader? TryRead(byte[] bytes, string file)
    {
        var reader = new AvroHeaderReader(bytes, Magic.Length, file);
        var metadata = new List<KeyValuePair<string, byte[]>>();
        while (true)
        {
            if (!reader.TryReadLong(out var count) || count < 0 && !reader.TryReadLong(out _))
                return null;
            if (count == 0)
                break;
            if (count == long.MinValue)
                throw reader.Wrong("a map of metadata has a count that is no number of entries");
            for (count = Math.Abs(count); count > 0; count--)
            {
                if (!reader.TryReadBytes(out var key) || !reader.TryReadBytes(out var value))
                    return null;
                metadata.Add(new(Encoding.UTF8.GetString(key), value.ToArray()));
            }
        }
        if (!reader.TryTake(MarkerSize, out var marker))
            return null;
        byte[]? schema = null;
        var codec = AvroCodec.None;
        foreach (var (key, value) in metadata)
        {
            if (key == "avro.schema")
                schema = value;
            else if (key == "avro.codec" && value.Length > 0)
                codec = AvroCodecs.Find(Encoding.UTF8.GetString(value), file);
        }
        if (schema is null)
            throw reader.Wrong("its header has no schema (avro.schema)");
        return new AvroHeader(AvroSchemaParser.Parse(schema, file, isStrict: false), codec, marker.ToArray(), reader.Position, metadata);
    }

    private static DataFormatException NotAvro(ReadOnlySpan<byte> head, string file) => new(
        head.StartsWith("Obj"u8) && head.Length > Magic.Length
            ? $"The file is an Avro container of version {head[3]}; only version 1 is supported. Write it with Avro 1.3 or newer."
        : $"The file is no Avro container file: it begins with {DataFormatException.Show(head[..Math.Min(head.Length, Magic.Length)])}, not with 'Obj' and "
            + "the byte 1.", new SourceLocation(file));
}

/// <summary>Reads the parts of a header, within its bounds.</summary>
internal ref struct AvroHeaderReader(ReadOnlySpan<byte> bytes, int position, string file)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes read.</summary>
    public int Position { get; private set; } = position;

    /// <summary>Reads a long; false when the bytes end before.</summary>
    /// <exception cref="DataFormatException">It has more than ten bytes.</exception>
    public bool TryReadLong(out long value)
    {
        var bits = 0UL;
        value = 0;
        for (var i = 0; i < AvroBinary.MaxVarint; i++)
        {
            if (Position + i >= _bytes.Length)
                return false;
            var b = _bytes[Position + i];
            bits |= (ulong)(b & 0x7F) << (7 * i);
            if (b >= 0x80)
                continue;
            Position += i + 1;
            value = (long)(bits >> 1) ^ -(long)(bits & 1);
            return true;
        }
        throw Wrong("a number has more than 10 bytes");
    }

    /// <summary>Reads bytes with their length in front; false when they are not all there.</summary>
    /// <exception cref="DataFormatException">The length is negative.</exception>
    public bool TryReadBytes(out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!TryReadLong(out var length))
            return false;
        if (length is < 0 or > int.MaxValue)
            throw Wrong($"a length is {length}");
        return TryTake((int)length, out value);
    }

    /// <summary>Takes bytes; false when they are not all there.</summary>
    public bool TryTake(int count, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (count > _bytes.Length - Position)
            return false;
        value = _bytes.Slice(Position, count);
        Position += count;
        return true;
    }

    /// <summary>Makes the error of a wrong header.</summary>
    public readonly DataFormatException Wrong(string what) =>
        new($"The Avro file is corrupt: {what}. Fetch or write it again.", new SourceLocation(file, ByteOffset: Position));
}
