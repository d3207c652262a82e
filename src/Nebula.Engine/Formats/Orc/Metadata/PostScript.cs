namespace Nebula.Engine.Formats.Orc.Metadata;

/// <summary>How the chunks of streams and metadata are compressed, numbered as in files (ORC v1, "Postscript").</summary>
internal enum OrcCompression : byte
{
    None = 0,
    Zlib = 1,
    Snappy = 2,
    Lzo = 3,
    Lz4 = 4,
    Zstd = 5,
    Brotli = 6,
}

/// <summary>The last message of a file (ORC v1, "Postscript"): what must be known to read the others.</summary>
internal sealed record PostScript
{
    /// <summary>Bytes of the footer as stored.</summary>
    public long FooterLength { get; init; }

    /// <summary>The codec of everything but this message.</summary>
    public OrcCompression Compression { get; init; }

    /// <summary>Most bytes that a chunk has before compression.</summary>
    public int CompressionBlockSize { get; init; }

    /// <summary>Version of the format: 0.11 or 0.12.</summary>
    public string Version { get; init; } = "0.11";

    /// <summary>Whether decimals are stored as the drafts of version 2 have it.</summary>
    public bool IsUnstableVersion2 { get; init; }

    /// <summary>Bytes of the stripe statistics as stored.</summary>
    public long MetadataLength { get; init; }

    /// <summary>Which faults the writer had mended.</summary>
    public uint WriterVersion { get; init; }

    private const int DefaultBlockSize = 256 << 10;

    // Headers of chunks hold a length of 23 bits; writers of larger chunks are not known.
    private const int LargestBlockSize = 64 << 20;

    /// <summary>Whether the message names the format. Some writers leave that to the first bytes of the file.</summary>
    public bool HasMagic { get; init; }

    /// <summary>Reads the message.</summary>
    public static PostScript Parse(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        var result = new PostScript { CompressionBlockSize = DefaultBlockSize };
        var version = new List<ulong>();
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    result = result with { FooterLength = reader.Length() };
                    break;
                case 2:
                    result = result with { Compression = ParseCompression(reader.UInt64()) };
                    break;
                case 3:
                    result = result with { CompressionBlockSize = ParseBlockSize(reader.UInt64()) };
                    break;
                case 4:
                    reader.UInt64s(version);
                    break;
                case 5:
                    result = result with { MetadataLength = reader.Length() };
                    break;
                case 6:
                    result = result with { WriterVersion = reader.UInt32() };
                    break;
                case 8000:
                    result = result with { HasMagic = reader.Bytes().SequenceEqual("ORC"u8) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return version.Count < 2 ? result : result with { Version = $"{version[0]}.{version[1]}", IsUnstableVersion2 = version is [1, 9999] };
    }

    private static OrcCompression ParseCompression(ulong value) => value <= (ulong)OrcCompression.Brotli
        ? (OrcCompression)value
        : throw new OrcFault($"the file is compressed with codec number {value}, which is not known", "Write it again with zstd, zlib, snappy or lz4.");

    private static int ParseBlockSize(ulong value) => value <= LargestBlockSize
        ? (int)value
        : throw new OrcFault($"the postscript claims compression chunks of {value} bytes; more than {LargestBlockSize} are not supported");
}
