using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Decodes runs of version 1 (ORC v1, "Integer Run Length Encoding, version 1").</summary>
internal sealed unsafe class IntegerReaderV1(ByteStream stream, bool isSigned, BufferPool pool) : IntegerReader(stream, isSigned, pool)
{
    private const int MinRunLength = 3;

    protected override int DecodeRun(long* target)
    {
        if (!Stream.Ensure(2))
            Stream.ThrowEnded("a run of integers");
        int header = (sbyte)*Stream.Position++;
        if (header < 0)
        {
            for (var i = 0; i < -header; i++)
                target[i] = ReadValue();
            return -header;
        }
        long delta = (sbyte)*Stream.Position++;
        var value = ReadValue();
        var count = header + MinRunLength;
        for (var i = 0; i < count; i++, value += delta)
            target[i] = value;
        return count;
    }

    private long ReadValue()
    {
        var value = Varint.Read(Stream);
        return IsSigned ? Varint.Unzigzag(value) : (long)value;
    }
}
