namespace Nebula.Engine.Formats.Orc.Metadata;

/// <summary>The positions at which the row groups of a column start (ORC v1, "Row Group Index").</summary>
internal static class RowIndex
{
    /// <summary>Reads the positions of all entries.</summary>
    /// <param name="message">The index, decompressed.</param>
    public static List<ulong[]> ParsePositions(ReadOnlySpan<byte> message)
    {
        var entries = new List<ulong[]>();
        var positions = new List<ulong>();
        var reader = new ProtobufReader(message);
        while (reader.Next())
            if (reader.Field == 1)
            {
                positions.Clear();
                var entry = new ProtobufReader(reader.Bytes());
                while (entry.Next())
                    if (entry.Field == 1)
                        entry.UInt64s(positions);
                    else
                        entry.Skip();
                entries.Add([.. positions]);
            }
            else
                reader.Skip();
        return entries;
    }
}
