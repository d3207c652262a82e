using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Finds the blocks of a file by going from one to the next, without reading their data.</summary>
internal static class AvroBlockIndex
{
    /// <summary>Most bytes of the two numbers in front of a block's data.</summary>
    public const int MaxHeader = 2 * AvroBinary.MaxVarint;

    private const int SmallBlock = 16 << 10;
    private const int SmallRead = 64 << 10;

    /// <summary>Goes through the file.</summary>
    /// <exception cref="DataFormatException">A block reaches beyond the end of the file, or is not followed by the file's marker.</exception>
    public static IReadOnlyList<AvroBlock> Read(IRandomAccess file, AvroHeader header)
    {
        var blocks = new List<AvroBlock>();
        var window = Array.Empty<byte>();
        var windowStart = 0L;
        var (at, rows) = ((long)header.Length, 0L);
        while (at < file.Length)
        {
            var from = blocks.Count == 0 ? at : at - AvroHeader.MarkerSize;
            var needed = (int)(Math.Min(at + MaxHeader, file.Length) - from);
            if (from < windowStart || from + needed > windowStart + window.Length)
            {
                // small blocks are read along; large ones are jumped over
                var wanted = blocks.Count > 0 && blocks[^1].DataLength > SmallBlock ? needed : SmallRead;
                window = new byte[Math.Min(wanted, file.Length - from)];
                windowStart = from;
                file.Read(from, window);
            }
            if (blocks.Count > 0)
                CheckMarker(window.AsSpan((int)(from - windowStart), AvroHeader.MarkerSize), header, blocks[^1], file.Name);
            var bytes = window.AsSpan((int)(at - windowStart));
            var block = TryRead(bytes, at, blocks.Count, rows, file) ?? throw Corrupt(file, at, "it ends within the header of a block");
            blocks.Add(block);
            rows += block.Rows;
            at = block.End;
        }
        if (blocks.Count > 0)
        {
            var marker = new byte[AvroHeader.MarkerSize];
            file.Read(at - AvroHeader.MarkerSize, marker);
            CheckMarker(marker, header, blocks[^1], file.Name);
        }
        return blocks;
    }

    /// <summary>Reads the start of a block; null when the bytes end within it.</summary>
    /// <param name="bytes">The bytes from the start of the block on.</param>
    /// <param name="offset">Where they are in the file.</param>
    /// <param name="index">Position of the block.</param>
    /// <param name="firstRow">Records before it.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="DataFormatException">The block cannot be as long as it claims.</exception>
    public static AvroBlock? TryRead(ReadOnlySpan<byte> bytes, long offset, int index, long firstRow, IRandomAccess file)
    {
        var reader = new AvroHeaderReader(bytes, 0, file.Name);
        if (!reader.TryReadLong(out var rows) || !reader.TryReadLong(out var length))
            return null;
        if (rows < 0 || rows > long.MaxValue - firstRow)
            throw Corrupt(file, offset, $"block {index + 1} claims to have {rows} records");
        var data = offset + reader.Position;
        if (length < 0 || length > file.Length - data - AvroHeader.MarkerSize)
            throw Corrupt(file, offset, $"block {index + 1} claims to have {length} bytes of data and a marker, but {file.Length - data} bytes are left");
        return new AvroBlock(index, offset, data, length, rows, firstRow);
    }

    /// <summary>Checks what stands behind a block.</summary>
    /// <exception cref="DataFormatException">It is not the file's marker.</exception>
    public static void CheckMarker(ReadOnlySpan<byte> marker, AvroHeader header, AvroBlock block, string file)
    {
        if (!marker.SequenceEqual(header.Marker))
            throw new DataFormatException($"The Avro file is corrupt: block {block.Index + 1} is followed by {Convert.ToHexStringLower(marker)}, but the "
                + "file's marker is "
                + $"{Convert.ToHexStringLower(header.Marker)}. Fetch or write it again.",
                    new SourceLocation(file, ByteOffset: block.End - AvroHeader.MarkerSize));
    }

    private static DataFormatException Corrupt(IRandomAccess file, long offset, string what) =>
        new($"The Avro file is corrupt: {what}. It was cut off or changed: fetch or write it again.", new SourceLocation(file.Name, ByteOffset: offset));
}
