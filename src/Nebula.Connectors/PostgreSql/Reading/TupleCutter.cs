using System.Buffers.Binary;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Finds where rows end in the bytes of a <c>COPY</c>. Manual, <c>COPY</c>, "Binary Format".</summary>
/// <param name="name">The stream, for messages.</param>
/// <param name="columns">Number of columns that each row must have.</param>
/// <param name="maxRecordSize">Most bytes that one row may have.</param>
internal sealed class TupleCutter(string name, int columns, int maxRecordSize) : IRowCutter
{
    private const int FlagsOffset = 11;
    private const int ExtensionOffset = 15;
    private const int HeaderSize = 19;
    private const short Trailer = -1;
    private bool _hasHeader;

    private static ReadOnlySpan<byte> Signature => [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00];

    public bool IsEnded { get; private set; }

    public int SkipHeader(ReadOnlySpan<byte> bytes)
    {
        if (_hasHeader || bytes.Length < HeaderSize)
            return 0;
        var extension = BinaryPrimitives.ReadInt32BigEndian(bytes[ExtensionOffset..]);
        if (!bytes.StartsWith(Signature) || BinaryPrimitives.ReadInt32BigEndian(bytes[FlagsOffset..]) >> 16 != 0 || extension != 0)
            throw Broken("the server's answer does not begin as a binary COPY does", 0);
        _hasHeader = true;
        return HeaderSize;
    }

    int IRowCutter.Cut(ReadOnlySpan<byte> bytes, long position, bool isAtEnd, out int context) => Cut(bytes, position, out context);

    /// <summary>Counts the whole rows at the start of some bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="position">Where they stand in the answer, for messages.</param>
    /// <param name="rows">Number of whole rows.</param>
    /// <returns>Number of bytes that they take.</returns>
    /// <exception cref="DataFormatException">What is there are no rows.</exception>
    public int Cut(ReadOnlySpan<byte> bytes, long position, out int rows)
    {
        rows = 0;
        var end = 0;
        while (!IsEnded && EndOfRow(bytes, end, position) is var next and > 0)
        {
            end = next;
            rows++;
        }
        return end;
    }

    private int EndOfRow(ReadOnlySpan<byte> bytes, int start, long position)
    {
        if (bytes.Length - start < sizeof(short))
            return 0;
        var fields = BinaryPrimitives.ReadInt16BigEndian(bytes[start..]);
        if (fields == Trailer)
        {
            IsEnded = true;
            return 0;
        }
        if (fields != columns)
            throw Broken($"a row has {fields} columns instead of {columns}", position + start);
        var at = start + sizeof(short);
        for (var i = 0; i < columns; i++)
        {
            if (bytes.Length - at < sizeof(int))
                return 0;
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
            at += sizeof(int);
            if (length < -1)
                throw Broken($"a value has {length} bytes", position + at);
            if (length > maxRecordSize - (at - start))
                throw new DataFormatException($"A row has more than the {Units.FormatSize(maxRecordSize)} that a record may have. Leave out the large column, "
                    + $"or raise the limit.", new SourceLocation(name, ByteOffset: position + start));
            if (length > bytes.Length - at)
                return 0;
            at += Math.Max(length, 0);
        }
        return at;
    }

    private DataFormatException Broken(string what, long position) =>
        new($"{what}. What lies between here and the server changes its answers, or this is a defect: report it.",
            new SourceLocation(name, ByteOffset: position));
}
