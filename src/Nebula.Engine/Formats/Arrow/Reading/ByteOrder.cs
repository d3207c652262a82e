using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>Turns the buffers of big-endian files into what columns hold.</summary>
internal static class ByteOrder
{
    private const int ViewSize = 16;
    private const int LongestInlineView = 12;

    /// <summary>Reverses the bytes of each value of a buffer, in place.</summary>
    /// <param name="plan">The column.</param>
    /// <param name="which">Which of its buffers.</param>
    /// <param name="bytes">Whole values of it.</param>
    public static void Reverse(ColumnPlan plan, int which, Span<byte> bytes)
    {
        var type = plan.Declared;
        if (plan.Field.Dictionary is { } dictionary)
        {
            if (which == 1)
                ReverseEach(bytes, dictionary.IndexType.BitWidth / 8);
            return;
        }
        switch (type.Id)
        {
            case ArrowTypeId.Utf8 or ArrowTypeId.Binary or ArrowTypeId.List or ArrowTypeId.Map when which == 1:
            case ArrowTypeId.ListView when which > 0:
                ReverseEach(bytes, sizeof(int));
                break;
            case ArrowTypeId.LargeUtf8 or ArrowTypeId.LargeBinary or ArrowTypeId.LargeList when which == 1:
            case ArrowTypeId.LargeListView when which > 0:
                ReverseEach(bytes, sizeof(long));
                break;
            case ArrowTypeId.Utf8View or ArrowTypeId.BinaryView when which == 1:
                ReverseViews(bytes);
                break;
            case ArrowTypeId.Union when (ArrowUnionMode)type.Unit == ArrowUnionMode.Dense && which == plan.BufferCount - 1:
                ReverseEach(bytes, sizeof(int));
                break;
            case ArrowTypeId.Interval when which == 1 && (ArrowIntervalUnit)type.Unit == ArrowIntervalUnit.MonthDayNano:
                for (var at = 0; at + 16 <= bytes.Length; at += 16)
                {
                    ReverseEach(bytes.Slice(at, 8), sizeof(int));
                    bytes.Slice(at + 8, 8).Reverse();
                }
                break;
            case ArrowTypeId.Interval when which == 1:
                ReverseEach(bytes, sizeof(int));
                break;
            case ArrowTypeId.Int or ArrowTypeId.FloatingPoint or ArrowTypeId.Decimal when which == 1:
            case ArrowTypeId.Date or ArrowTypeId.Time or ArrowTypeId.Timestamp or ArrowTypeId.Duration when which == 1:
                ReverseEach(bytes, FixedWidth.Of(type));
                break;
        }
    }

    private static void ReverseEach(Span<byte> bytes, int width)
    {
        switch (width)
        {
            case 1:
                return;
            case 2:
                Reverse2(MemoryMarshal.Cast<byte, short>(bytes));
                return;
            case 4:
                Reverse4(MemoryMarshal.Cast<byte, int>(bytes));
                return;
            case 8:
                Reverse8(MemoryMarshal.Cast<byte, long>(bytes));
                return;
            default:
                for (var at = 0; at + width <= bytes.Length; at += width)
                    bytes.Slice(at, width).Reverse();
                return;
        }
    }

    private static void Reverse2(Span<short> values) => BinaryPrimitives.ReverseEndianness(values, values);

    private static void Reverse4(Span<int> values) => BinaryPrimitives.ReverseEndianness(values, values);

    private static void Reverse8(Span<long> values) => BinaryPrimitives.ReverseEndianness(values, values);

    private static void ReverseViews(Span<byte> views)
    {
        for (var at = 0; at + ViewSize <= views.Length; at += ViewSize)
        {
            var parts = MemoryMarshal.Cast<byte, int>(views.Slice(at, ViewSize));
            parts[0] = BinaryPrimitives.ReverseEndianness(parts[0]);
            if (parts[0] > LongestInlineView)
                (parts[2], parts[3]) = (BinaryPrimitives.ReverseEndianness(parts[2]), BinaryPrimitives.ReverseEndianness(parts[3]));
        }
    }
}

/// <summary>Bytes that a value takes in a file.</summary>
internal static class FixedWidth
{
    /// <summary>Bytes of a value of a type whose values all have the same size, other than booleans; 0 for other types.</summary>
    public static int Of(ArrowType type) => type.Id switch
    {
        ArrowTypeId.Int or ArrowTypeId.Decimal or ArrowTypeId.Time => type.BitWidth / 8,
        ArrowTypeId.FloatingPoint => 2 << type.Unit,
        ArrowTypeId.Date => (ArrowDateUnit)type.Unit == ArrowDateUnit.Day ? 4 : 8,
        ArrowTypeId.Timestamp or ArrowTypeId.Duration => 8,
        ArrowTypeId.Interval => 4 << type.Unit,
        ArrowTypeId.FixedSizeBinary => type.Size,
        ArrowTypeId.BinaryView or ArrowTypeId.Utf8View => 16,
        _ => 0,
    };
}
