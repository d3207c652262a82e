using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Byte strings that lie one behind the other, of any length or of one.</summary>
/// <param name="bytes">What offsets count from; 16 bytes behind the values must be readable.</param>
/// <param name="offsets">Start of each value, and the end of the last.</param>
/// <param name="count">Number of values.</param>
/// <param name="kind">What they are.</param>
internal sealed unsafe class ByteArrayChunk(byte* bytes, int* offsets, int count, ByteArrayKind kind) : ChunkValues
{
    private const int SampleRuns = 4;
    private const int SampleRunBytes = 16 << 10;
    private const int GiantValues = 1 << 20;

    // Positions are read faster than strings: a dictionary may cost a little more, and where it is small nothing else is tried.
    private const double DictionaryBonus = 0.9;
    private const int ClearWin = 4;
    private WriteWorkspace? _workspace;
    private ushort* _ids;
    private int _idWidth;

    /// <summary>Values that are positions in a dictionary already.</summary>
    /// <param name="count">Number of values.</param>
    /// <param name="kind">What they are.</param>
    /// <param name="entries">Number of entries.</param>
    /// <param name="workspace">Holds the entries, each behind its length, and the positions.</param>
    public static ByteArrayChunk OfDictionary(int count, ByteArrayKind kind, int entries, WriteWorkspace workspace)
    {
        var values = new ByteArrayChunk(null, null, count, kind) { _workspace = workspace };
        values.UseDictionary(entries);
        return values;
    }

    private bool IsFixed => kind is ByteArrayKind.FixedBytes or ByteArrayKind.FixedNumber;

    private int ByteCount => offsets[count] - offsets[0];

    public override void Plan(EncodingPlanner planner)
    {
        _workspace = planner.Workspace;
        if (count == 0 || DictionaryCount > 0)
            return;
        var sample = Math.Min(count, EncodingPlanner.DistinctSample);
        var distinct = EncodingPlanner.EstimateDistinct(ByteArrayDictionary.CountSample(bytes, offsets, count, sample, _workspace.Scratch), sample, count);
        var dictionary = distinct > MaxDictionaryEntries ? long.MaxValue
            : EncodingPlanner.DictionarySize(distinct, (double)ByteCount / count + sizeof(int), count);
        if (dictionary < PlainSize / ClearWin && TryBuildDictionary(_workspace))
            return;
        var other = ChooseWithout(planner);
        if (dictionary >= PlainSize / ClearWin && dictionary < PlainSize && dictionary * DictionaryBonus < other)
            TryBuildDictionary(_workspace);
    }

    public override void WriteDictionary(GrowingBuffer output)
    {
        var entries = _workspace!.Dictionary.Content;
        if (!IsFixed)
        {
            entries.CopyTo(output.Extend(entries.Length));
            return;
        }
        // entries stand behind their length, which is left out here
        var width = offsets[1] - offsets[0];
        for (var at = sizeof(int); at < entries.Length; at += sizeof(int) + width)
            entries.Slice(at, width).CopyTo(output.Extend(width));
    }

    public override void Write(int start, int length, GrowingBuffer output)
    {
        var from = offsets + start;
        switch (Encoding)
        {
            case PageEncoding.RleDictionary:
                output.Append((byte)_idWidth);
                RleBitPackedWriter.Write(_ids + start, length, _idWidth, output);
                break;
            case PageEncoding.DeltaLengthByteArray:
                ByteArrayWriter.WriteDeltaLength(bytes, from, length, _workspace!.Scratch, output);
                break;
            case PageEncoding.DeltaByteArray:
                ByteArrayWriter.WriteDelta(bytes, from, length, _workspace!.Scratch, output);
                break;
            default:
                if (IsFixed)
                    new ReadOnlySpan<byte>(bytes + from[0], from[length] - from[0]).CopyTo(output.Extend(from[length] - from[0]));
                else
                    ByteArrayWriter.WritePlain(bytes, from, length, output);
                break;
        }
    }

    // positions of entries are so small that rows alone decide where pages end
    public override long SizeOf(int start, int length) => DictionaryCount > 0 ? length : offsets[start + length] - offsets[start] + (long)length * sizeof(int);

    public override ValueBounds BoundsOf(int start, int length)
    {
        if (length == 0)
            return default;
        if (DictionaryCount > 0)
            return DictionaryBounds.Of(_workspace!, _ids + start, length, DictionaryCount, kind);
        var (min, max) = (start, start);
        if (kind == ByteArrayKind.FixedNumber)
        {
            for (var i = start + 1; i < start + length; i++)
                if (Compare(Value(i), Value(min)) < 0)
                    min = i;
                else if (Compare(Value(i), Value(max)) > 0)
                    max = i;
        }
        else
            FindBounds(start, length, ref min, ref max);
        return ByteArrayOrder.BoundsOf(Value(min), Value(max), kind == ByteArrayKind.Text);
    }

    public override int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => ByteArrayOrder.Compare(a, b, kind);

    public override void AddTo(BloomFilter filter)
    {
        if (DictionaryCount == 0)
        {
            for (var i = 0; i < count; i++)
                filter.Add(Value(i));
            return;
        }
        var entries = _workspace!.Dictionary.Content;
        while (!entries.IsEmpty)
        {
            var length = BitConverter.ToInt32(entries);
            filter.Add(entries.Slice(sizeof(int), length));
            entries = entries[(sizeof(int) + length)..];
        }
    }

    private long PlainSize => ByteCount + (IsFixed ? 0 : (long)count * sizeof(int));

    private ReadOnlySpan<byte> Value(int i) => new(bytes + offsets[i], offsets[i + 1] - offsets[i]);

    private void FindBounds(int start, int length, ref int min, ref int max)
    {
        var least = ByteArrayOrder.PrefixOf(bytes + offsets[start], offsets[start + 1] - offsets[start]);
        var greatest = least;
        for (var i = start + 1; i < start + length; i++)
        {
            var prefix = ByteArrayOrder.PrefixOf(bytes + offsets[i], offsets[i + 1] - offsets[i]);
            // between the two, as nearly all are
            if (prefix > least && prefix < greatest)
                continue;
            if (prefix < least || prefix == least && Value(i).SequenceCompareTo(Value(min)) < 0)
                (least, min) = (prefix, i);
            if (prefix > greatest || prefix == greatest && Value(i).SequenceCompareTo(Value(max)) > 0)
                (greatest, max) = (prefix, i);
        }
    }

    private bool TryBuildDictionary(WriteWorkspace workspace)
    {
        var entries = ByteArrayDictionary.Build(bytes, offsets, count, ByteArrayDictionary.MaxBytes, workspace);
        if (entries < 0)
            return false;
        UseDictionary(entries);
        DistinctCount = entries;
        return true;
    }

    private void UseDictionary(int entries)
    {
        _ids = (ushort*)_workspace!.Ids.Reserve(0);
        _idWidth = BitPacker.WidthOf((ulong)entries - 1);
        Encoding = PageEncoding.RleDictionary;
        DictionaryCount = entries;
    }

    /// <summary>Chooses among the encodings without dictionary.</summary>
    /// <returns>Bytes of all values in it, compressed.</returns>
    private double ChooseWithout(EncodingPlanner planner)
    {
        if (PlainSize / count > GiantValues)
        {
            // a sample would be a giant too, and how its length is written is nothing beside it
            Encoding = IsFixed || !planner.AllowDelta ? PageEncoding.Plain : PageEncoding.DeltaLengthByteArray;
            return PlainSize;
        }
        if (IsFixed || !planner.AllowDelta)
        {
            Encoding = PageEncoding.Plain;
            return Sample(planner, PageEncoding.Plain);
        }
        Encoding = PageEncoding.DeltaLengthByteArray;
        var size = Sample(planner, PageEncoding.DeltaLengthByteArray);
        if (!SharePrefixes())
            return size;
        var shared = Sample(planner, PageEncoding.DeltaByteArray);
        // it is slow to read: it must pay
        if (shared < 0.8 * size)
            (Encoding, size) = (PageEncoding.DeltaByteArray, shared);
        return size;
    }

    private bool SharePrefixes()
    {
        const int Pairs = 64;
        var (common, all) = (0L, 0L);
        for (var i = 0; i < Pairs && count > 1; i++)
        {
            var index = (int)((long)i * (count - 1) / Pairs);
            common += Value(index).CommonPrefixLength(Value(index + 1));
            all += offsets[index + 2] - offsets[index + 1];
        }
        return common * 4 >= all && common > Pairs;
    }

    private double Sample(EncodingPlanner planner, PageEncoding encoding)
    {
        var page = planner.Workspace.Page;
        page.Truncate(0);
        var chosen = Encoding;
        Encoding = encoding;
        var runLength = (int)Math.Clamp((long)SampleRunBytes * count / Math.Max(1, PlainSize), 1, count);
        var taken = 0L;
        for (var run = 0; run < SampleRuns; run++)
        {
            var start = (int)((long)run * (count - runLength) / (SampleRuns - 1));
            Write(start, runLength, page);
            taken += runLength;
            if (runLength == count)
                break;
        }
        Encoding = chosen;
        return planner.CompressedSampleSize() * (double)count / taken;
    }
}
