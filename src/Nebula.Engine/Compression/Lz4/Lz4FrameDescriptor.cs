using System.Buffers.Binary;
using Nebula.Engine.Compression.Checksums;

namespace Nebula.Engine.Compression.Lz4;

/// <summary>The frame descriptor (LZ4 Frame Format Description, "Frame Descriptor").</summary>
/// <param name="MaxBlockSize">Most content of a block, in bytes.</param>
/// <param name="BlocksAreLinked">Whether matches may refer to earlier blocks.</param>
/// <param name="HasBlockChecksums">Whether each block is followed by its checksum.</param>
/// <param name="HasContentChecksum">Whether the frame ends with a checksum of its content.</param>
/// <param name="ContentSize">Length of the content in bytes; -1 when not stored.</param>
internal readonly record struct Lz4FrameDescriptor(int MaxBlockSize, bool BlocksAreLinked, bool HasBlockChecksums, bool HasContentChecksum, long ContentSize)
{
    private const int VersionMask = 0xC0;
    private const int Version = 0x40;
    private const int IndependentFlag = 0x20;
    private const int BlockChecksumFlag = 0x10;
    private const int ContentSizeFlag = 0x08;
    private const int ContentChecksumFlag = 0x04;
    private const int DictionaryFlag = 0x01;

    /// <summary>Reads a descriptor.</summary>
    /// <param name="input">The bytes behind the signature.</param>
    /// <param name="descriptor">What it says.</param>
    /// <returns>Bytes used; -1 when it is not all there.</returns>
    /// <exception cref="CompressionFault">It is wrong or asks for something not supported.</exception>
    public static int TryRead(ReadOnlySpan<byte> input, out Lz4FrameDescriptor descriptor)
    {
        descriptor = default;
        if (input.Length < 3)
            return -1;
        int flags = input[0];
        if ((flags & VersionMask) != Version)
            throw new CompressionFault($"a frame has version {flags >> 6}; only 1 is defined");
        var hasContentSize = (flags & ContentSizeFlag) != 0;
        var hasDictionary = (flags & DictionaryFlag) != 0;
        var length = 2 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0);
        if (input.Length < length + 1)
            return -1;
        var checksum = (byte)(XxHash32.Hash(input[..length]) >> 8);
        if (input[length] != checksum)
            throw new CompressionFault($"the checksum of a frame header is 0x{checksum:X2}, but 0x{input[length]:X2} is stored", length);
        if ((flags & 0x02) != 0 || (input[1] & 0x8F) != 0)
            throw new CompressionFault("a frame header uses reserved bits");
        if (hasDictionary)
            throw new CompressionFault("a frame needs a dictionary, which is not in the file", 0, "Compress it again without a dictionary.");
        var sizeCode = input[1] >> 4;
        if (sizeCode < 4)
            throw new CompressionFault($"a frame header has the block size code {sizeCode}; 4 to 7 are defined", 1);
        var contentSize = hasContentSize ? BinaryPrimitives.ReadInt64LittleEndian(input[2..]) : -1;
        if (hasContentSize && contentSize < 0)
            throw new CompressionFault("a frame header announces more content than there can be", 2);
        descriptor = new Lz4FrameDescriptor(
            1 << (8 + 2 * sizeCode), (flags & IndependentFlag) == 0, (flags & BlockChecksumFlag) != 0, (flags & ContentChecksumFlag) != 0, contentSize);
        return length + 1;
    }

    /// <summary>Writes the descriptor of a frame with independent blocks up to 4 MB, content size and content checksum.</summary>
    /// <param name="contentSize">Length of the content in bytes.</param>
    /// <param name="output">Where it goes: 11 bytes.</param>
    public static int Write(long contentSize, Span<byte> output)
    {
        output[0] = Version | IndependentFlag | ContentSizeFlag | ContentChecksumFlag;
        output[1] = 7 << 4;
        BinaryPrimitives.WriteInt64LittleEndian(output[2..], contentSize);
        output[10] = (byte)(XxHash32.Hash(output[..10]) >> 8);
        return 11;
    }
}
