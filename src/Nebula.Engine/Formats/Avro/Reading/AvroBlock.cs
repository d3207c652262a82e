namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>A block of a file (Avro specification, "Object Container Files").</summary>
/// <param name="Index">Its position, from 0.</param>
/// <param name="Offset">Where it begins in the file: the number of its records.</param>
/// <param name="DataOffset">Where its data begins in the file.</param>
/// <param name="DataLength">Bytes of its data, compressed.</param>
/// <param name="Rows">Number of its records, as it claims.</param>
/// <param name="FirstRow">Number of records before it.</param>
internal readonly record struct AvroBlock(int Index, long Offset, long DataOffset, long DataLength, long Rows, long FirstRow)
{
    /// <summary>Where the next block begins.</summary>
    public long End => DataOffset + DataLength + AvroHeader.MarkerSize;
}

/// <summary>What a fetched block of bytes holds: blocks of the file, whose data is in the buffer or, where that is too large, still in the file.</summary>
/// <param name="Blocks">The blocks.</param>
/// <param name="BufferOffset">Where the buffer begins in the file; -1 when the data is not in the buffer.</param>
internal sealed record AvroBlocks(IReadOnlyList<AvroBlock> Blocks, long BufferOffset);
