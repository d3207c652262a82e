using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Takes the positions of row groups apart, which indexes store as plain numbers in an order that depends on the column (ORC v1, "Row Group
/// Index").</summary>
internal static class GroupPositions
{
    /// <summary>Reads the positions of one row group in all streams of a column; null when there are more or fewer numbers than the streams need.</summary>
    /// <param name="numbers">The numbers, as stored.</param>
    /// <param name="type">The column.</param>
    /// <param name="encoding">Its encoding.</param>
    /// <param name="hasPresent">Whether it has a stream of nulls.</param>
    /// <param name="isCompressed">Whether streams consist of chunks.</param>
    /// <param name="decimalsAreIntegers">Whether decimals are stored as the drafts of version 2 have it.</param>
    public static Dictionary<StreamKind, GroupPosition>? Parse(ReadOnlySpan<ulong> numbers, OrcType type, ColumnEncoding encoding, bool hasPresent,
        bool isCompressed, bool decimalsAreIntegers)
    {
        var positions = new Dictionary<StreamKind, GroupPosition>();
        if (hasPresent && !TryTake(ref numbers, StreamKind.Present, PositionForm.Bits, isCompressed, positions))
            return null;
        foreach (var (kind, form) in FormsOf(type.Kind, encoding, decimalsAreIntegers))
            if (!TryTake(ref numbers, kind, form, isCompressed, positions))
                return null;
        return numbers.IsEmpty ? positions : null;
    }

    private static (StreamKind Kind, PositionForm Form)[] FormsOf(OrcTypeKind kind, ColumnEncoding encoding, bool decimalsAreIntegers) => kind switch
    {
        OrcTypeKind.Boolean => [(StreamKind.Data, PositionForm.Bits)],
        OrcTypeKind.Float or OrcTypeKind.Double => [(StreamKind.Data, PositionForm.Bytes)],
        OrcTypeKind.Timestamp or OrcTypeKind.TimestampInstant => [(StreamKind.Data, PositionForm.Runs), (StreamKind.Secondary, PositionForm.Runs)],
        OrcTypeKind.Decimal when !decimalsAreIntegers => [(StreamKind.Data, PositionForm.Bytes), (StreamKind.Secondary, PositionForm.Runs)],
        OrcTypeKind.List or OrcTypeKind.Map => [(StreamKind.Length, PositionForm.Runs)],
        OrcTypeKind.Struct => [],
        OrcTypeKind.String or OrcTypeKind.Char or OrcTypeKind.Varchar or OrcTypeKind.Binary or OrcTypeKind.Geometry or OrcTypeKind.Geography
            when !encoding.HasDictionary =>
            [(StreamKind.Data, PositionForm.Bytes), (StreamKind.Length, PositionForm.Runs)],
        _ => [(StreamKind.Data, PositionForm.Runs)],
    };

    private static bool TryTake(ref ReadOnlySpan<ulong> numbers, StreamKind kind, PositionForm form, bool isCompressed,
        Dictionary<StreamKind, GroupPosition> positions)
    {
        var count = (isCompressed ? 2 : 1) + (int)form;
        if (numbers.Length < count)
            return false;
        var (chunk, offset) = (numbers[0], isCompressed ? numbers[1] : 0);
        var behind = numbers[(isCompressed ? 2 : 1)..count];
        var values = behind.IsEmpty ? 0 : behind[0];
        var bits = form == PositionForm.Bits ? behind[1] : 0;
        numbers = numbers[count..];
        if (chunk > long.MaxValue || offset > int.MaxValue || values > int.MaxValue || bits > 7)
            return false;
        positions[kind] = new GroupPosition(new StreamPosition((long)chunk, (int)offset), (long)values, (int)bits);
        return true;
    }
}
