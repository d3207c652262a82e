using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Decodes runs of version 2 (ORC v1, "Integer Run Length Encoding, version 2").</summary>
internal sealed unsafe class IntegerReaderV2(ByteStream stream, bool isSigned, BufferPool pool) : IntegerReader(stream, isSigned, pool)
{
    private const int MinRepeat = 3;
    private const int MaxPatches = 31;

    // A header of 4 bytes, a base of 8, 512 values and 31 patches of 64 bits.
    private const int MaxRunBytes = 4 + 8 + (MaxRunLength + MaxPatches) * sizeof(ulong);

    protected override int DecodeRun(long* target)
    {
        if (!Stream.Ensure(MaxRunBytes) && Stream.Available == 0)
            Stream.ThrowEnded("a run of integers");
        return (*Stream.Position >> 6) switch
        {
            0 => DecodeShortRepeat(target),
            1 => DecodeDirect(target),
            2 => DecodePatchedBase(target),
            _ => DecodeDelta(target),
        };
    }

    private int DecodeShortRepeat(long* target)
    {
        int header = Take(1)[0];
        var count = (header & 7) + MinRepeat;
        var value = ReadBigEndian(((header >> 3) & 7) + 1);
        new Span<long>(target, count).Fill(IsSigned ? Varint.Unzigzag(value) : (long)value);
        return count;
    }

    private int DecodeDirect(long* target)
    {
        var (width, count) = ReadHeader();
        BitUnpacking.Unpack(Take(BitUnpacking.ByteCount(count, width)), width, target, count, IsSigned);
        return count;
    }

    private int DecodePatchedBase(long* target)
    {
        var (width, count) = ReadHeader();
        var header = Take(2);
        var baseBytes = (header[0] >> 5) + 1;
        var patchWidth = BitWidths.Decode(header[0] & 31);
        var gapWidth = (header[1] >> 5) + 1;
        var patchCount = header[1] & 31;
        if (patchWidth + gapWidth > 64)
            throw new OrcFault($"a run of integers has patches of {patchWidth} and gaps of {gapWidth} bits, together more than 64");
        var raw = ReadBigEndian(baseBytes);
        var sign = 1ul << (8 * baseBytes - 1);
        var start = (raw & sign) == 0 ? (long)raw : -(long)(raw & ~sign);
        BitUnpacking.Unpack(Take(BitUnpacking.ByteCount(count, width)), width, target, count, isZigzag: false);

        var entryWidth = BitWidths.Closest(patchWidth + gapWidth);
        var patches = stackalloc long[MaxPatches + BufferPool.Padding / sizeof(long)];
        BitUnpacking.Unpack(Take(BitUnpacking.ByteCount(patchCount, entryWidth)), entryWidth, patches, patchCount, isZigzag: false);
        var position = 0;
        for (var i = 0; i < patchCount; i++)
        {
            var patch = (ulong)patches[i];
            position += (int)(patchWidth == 64 ? 0 : patch >> patchWidth);
            var bits = patchWidth == 64 ? patch : patch & ((1ul << patchWidth) - 1);
            // an entry without bits only adds to the gap
            if (bits == 0)
                continue;
            if (position >= count || width == 64)
                throw new OrcFault($"a run of {count} integers of {width} bits has a patch for number {position}");
            target[position] |= (long)(bits << width);
        }
        for (var i = 0; i < count; i++)
            target[i] += start;
        return count;
    }

    private int DecodeDelta(long* target)
    {
        var code = (*Stream.Position >> 1) & 31;
        var (_, count) = ReadHeader();
        var first = Varint.Read(Stream);
        var value = IsSigned ? Varint.Unzigzag(first) : (long)first;
        var delta = Varint.Unzigzag(Varint.Read(Stream));
        target[0] = value;
        if (code == 0)
        {
            for (var i = 1; i < count; i++)
                target[i] = value += delta;
            return count;
        }
        if (count < 2)
            throw new OrcFault($"a run of integers with deltas has only {count} value");
        target[1] = value += delta;
        var width = BitWidths.Decode(code);
        BitUnpacking.Unpack(Take(BitUnpacking.ByteCount(count - 2, width)), width, target + 2, count - 2, isZigzag: false);
        if (delta < 0)
            for (var i = 2; i < count; i++)
                target[i] = value -= target[i];
        else
            for (var i = 2; i < count; i++)
                target[i] = value += target[i];
        return count;
    }

    private (int Width, int Count) ReadHeader()
    {
        var header = Take(2);
        return (BitWidths.Decode((header[0] >> 1) & 31), ((header[0] & 1) << 8 | header[1]) + 1);
    }

    private ulong ReadBigEndian(int bytes)
    {
        var source = Take(bytes);
        return BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(source)) >> (64 - 8 * bytes);
    }

    /// <summary>Takes bytes of the run. All of it is in the window when it is anywhere, and what is behind a window is readable.</summary>
    private byte* Take(int count)
    {
        if (Stream.Available < count)
            Stream.ThrowEnded($"the rest of a run of integers ({count} bytes)");
        var taken = Stream.Position;
        Stream.Position += count;
        return taken;
    }
}
