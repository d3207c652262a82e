using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Compression.Deflate;

namespace Nebula.Engine.Compression.Gzip;

/// <summary>Decodes gzip members (RFC 1952), one after the other, with every check the format offers.</summary>
/// <param name="pool">Where working memory comes from.</param>
internal sealed class GzipDecompressor(BufferPool pool) : DeflateDecompressor(pool)
{
    private const int FixedHeader = 10;
    private const int TrailerSize = 8;

    // A name and a comment have no limit in the format; they are not worth more memory than this.
    private const int MaxHeader = 1 << 20;
    private bool _isPadding;
    private uint _crc;
    private uint _length;

    [Flags]
    private enum HeaderFlags : byte
    {
        HeaderCrc = 2,
        Extra = 4,
        Name = 8,
        Comment = 16,
        Reserved = 0xE0,
    }

    protected override int TryReadHeader(ReadOnlySpan<byte> input)
    {
        if (input.Length > 0 && input[0] != 0x1F || input.Length > 1 && input[1] != 0x8B)
            throw new CompressionFault("it does not begin with the bytes 1F 8B", 0, "The file is not gzip: set the compression it has, or 'none'.");
        if (input.Length < FixedHeader)
            return -1;
        if (input[2] != 8)
            throw new CompressionFault($"it is compressed by method {input[2]}; only 8 (deflate) is defined", 2);
        var flags = (HeaderFlags)input[3];
        if ((flags & HeaderFlags.Reserved) != 0)
            throw new CompressionFault($"its header has unknown flags (0x{(byte)flags:X2})", 3);

        var at = FixedHeader;
        if (flags.HasFlag(HeaderFlags.Extra))
        {
            if (input.Length < at + 2)
                return -1;
            at += 2 + BinaryPrimitives.ReadUInt16LittleEndian(input[at..]);
        }
        if (flags.HasFlag(HeaderFlags.Name) && !TrySkipText(input, ref at) || flags.HasFlag(HeaderFlags.Comment) && !TrySkipText(input, ref at))
            return input.Length <= MaxHeader ? -1 : throw new CompressionFault($"its header is longer than {MaxHeader} bytes");
        if (flags.HasFlag(HeaderFlags.HeaderCrc))
        {
            if (input.Length < at + 2)
                return -1;
            var stored = BinaryPrimitives.ReadUInt16LittleEndian(input[at..]);
            var actual = (ushort)Crc32.Update(0, input[..at]);
            if (stored != actual)
                throw new CompressionFault($"the checksum of its header is 0x{actual:X4}, but 0x{stored:X4} is stored", at);
            at += 2;
        }
        if (input.Length < at)
            return -1;
        (_crc, _length) = (0, 0);
        return at;
    }

    protected override void Update(ReadOnlySpan<byte> content)
    {
        _crc = Crc32.Update(_crc, content);
        _length += (uint)content.Length;
    }

    protected override int TryReadTrailer(ReadOnlySpan<byte> input)
    {
        if (input.Length < TrailerSize)
            return -1;
        var crc = BinaryPrimitives.ReadUInt32LittleEndian(input);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(input[4..]);
        if (crc != _crc)
            throw new CompressionFault($"the CRC-32 of its content is 0x{_crc:X8}, but 0x{crc:X8} is stored");
        if (length != _length)
            throw new CompressionFault($"its content has {_length} bytes (modulo 2^32), but {length} are stored", 4);
        return TrailerSize;
    }

    protected override int SkipAfterEnd(ReadOnlySpan<byte> input, out bool anotherFollows)
    {
        // Tapes and some upload tools pad with zeros; once there are some, only zeros may follow.
        anotherFollows = !_isPadding && input[0] == 0x1F;
        if (anotherFollows)
            return 0;
        _isPadding = true;
        var garbage = input.IndexOfAnyExcept((byte)0);
        return garbage < 0 ? input.Length
            : throw new CompressionFault("bytes that are not gzip follow after its end", garbage,
                "Cut them off if the content before them is complete; otherwise fetch or create the file again.");
    }

    private static bool TrySkipText(ReadOnlySpan<byte> input, ref int at)
    {
        var length = at < input.Length ? input[at..].IndexOf((byte)0) : -1;
        at += length + 1;
        return length >= 0;
    }
}
