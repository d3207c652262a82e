using System.Numerics;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Numbers of 4 or 8 bytes.</summary>
/// <typeparam name="T"><see cref="int"/> or <see cref="long"/>: the bits of the numbers.</typeparam>
/// <param name="values">The numbers.</param>
/// <param name="count">How many.</param>
/// <param name="order">What they are.</param>
internal sealed unsafe class NumberChunk<T>(T* values, int count, NumberOrder order) : ChunkValues where T : unmanaged, IBinaryInteger<T>
{
    private const int SampleRuns = 8;
    private const int SampleRunLength = 512;

    // Differences that need so little are not beaten by anything.
    private const double TinyBitsPerValue = 1.5;
    private GrowingBuffer? _entries;
    private ushort* _ids;
    private int _idWidth;

    public override bool IgnoresUnboundedPages => true;

    public override void Plan(EncodingPlanner planner)
    {
        if (count == 0)
            return;
        var workspace = planner.Workspace;
        var isInteger = order != NumberOrder.Float;
        // looked at as integers with a sign, whatever they are: only their distance matters
        var (min, max) = NumberBounds.MinMax(values, count);
        var range = ulong.CreateTruncating(unchecked(max - min));
        if (sizeof(T) == sizeof(int))
            range = (uint)range;
        var plain = (long)count * sizeof(T);
        var delta = isInteger && planner.AllowDelta ? DeltaSize() : long.MaxValue;
        if (range > 0 && delta < count * TinyBitsPerValue / 8)
        {
            Encoding = PageEncoding.DeltaBinaryPacked;
            return;
        }
        var isDirect = isInteger && range < (ulong)Math.Min(NumberDictionary.DirectRange, 16L * count);
        var dictionary = DictionarySize(workspace.Scratch, isDirect, min, (int)Math.Min(range, int.MaxValue), out var entries);
        var best = Math.Min(plain, delta);
        if (dictionary < best && (dictionary < best * 3 / 4 || dictionary < OtherSize(planner, delta)))
            BuildDictionary(workspace, isDirect, min, (int)Math.Min(range, int.MaxValue), entries);
        if (DictionaryCount == 0)
            ChooseWithout(planner, delta);
    }

    public override void WriteDictionary(GrowingBuffer output) => _entries!.Content.CopyTo(output.Extend(_entries.Length));

    public override void Write(int start, int length, GrowingBuffer output)
    {
        switch (Encoding)
        {
            case PageEncoding.RleDictionary:
                output.Append((byte)_idWidth);
                RleBitPackedWriter.Write(_ids + start, length, _idWidth, output);
                break;
            case PageEncoding.DeltaBinaryPacked:
                DeltaBinaryPackedWriter.Write(values + start, length, output);
                break;
            case PageEncoding.ByteStreamSplit:
                ByteStreamSplitWriter.Write((byte*)(values + start), length, sizeof(T), output);
                break;
            default:
                new ReadOnlySpan<byte>(values + start, length * sizeof(T)).CopyTo(output.Extend(length * sizeof(T)));
                break;
        }
    }

    public override long SizeOf(int start, int length) => (long)length * sizeof(T);

    public override ValueBounds BoundsOf(int start, int length) => NumberBounds.Of(values + start, length, order);

    public override int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var (left, right) = (MemoryMarshal.Read<T>(a), MemoryMarshal.Read<T>(b));
        return order switch
        {
            NumberOrder.Signed => left.CompareTo(right),
            NumberOrder.Unsigned when sizeof(T) == sizeof(int) => uint.CreateTruncating(left).CompareTo(uint.CreateTruncating(right)),
            NumberOrder.Unsigned => ulong.CreateTruncating(left).CompareTo(ulong.CreateTruncating(right)),
            _ when sizeof(T) == sizeof(int) => MemoryMarshal.Read<float>(a).CompareTo(MemoryMarshal.Read<float>(b)),
            _ => MemoryMarshal.Read<double>(a).CompareTo(MemoryMarshal.Read<double>(b)),
        };
    }

    public override void AddTo(BloomFilter filter)
    {
        var distinct = _entries is null ? new ReadOnlySpan<T>(values, count) : _entries.As<T>();
        foreach (ref readonly var value in distinct)
            filter.Add(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
    }

    private long DictionarySize(GrowingBuffer scratch, bool isDirect, T min, int range, out double entries)
    {
        if (isDirect)
            entries = NumberDictionary.CountDirect(values, count, min, range, scratch);
        else
        {
            var sample = Math.Min(count, EncodingPlanner.DistinctSample);
            entries = EncodingPlanner.EstimateDistinct(NumberDictionary.CountSample(values, count, sample, scratch), sample, count);
        }
        return entries > MaxDictionaryEntries ? long.MaxValue : EncodingPlanner.DictionarySize(entries, sizeof(T), count);
    }

    private void BuildDictionary(WriteWorkspace workspace, bool isDirect, T min, int range, double expected)
    {
        var most = (int)Math.Min(Math.Min(MaxDictionaryEntries, count), 1.5 * expected + 64);
        var entries = isDirect
            ? NumberDictionary.BuildDirect(values, count, min, range, workspace.Scratch, workspace.Dictionary, workspace.Ids)
            : NumberDictionary.BuildHashed(values, count, most, workspace.Scratch, workspace.Dictionary, workspace.Ids);
        if (entries <= 0)
            return;
        _entries = workspace.Dictionary;
        _ids = (ushort*)workspace.Ids.Reserve(0);
        _idWidth = BitPacker.WidthOf((ulong)entries - 1);
        Encoding = PageEncoding.RleDictionary;
        DictionaryCount = entries;
        DistinctCount = entries;
        IsDictionarySorted = isDirect && order == NumberOrder.Signed;
    }

    private void ChooseWithout(EncodingPlanner planner, long delta)
    {
        if (order == NumberOrder.Float)
        {
            if (planner.AllowDelta && planner.IsCompressed
                && SampleSize(planner, PageEncoding.ByteStreamSplit) < SampleSize(planner, PageEncoding.Plain) * 0.95)
                Encoding = PageEncoding.ByteStreamSplit;
            return;
        }
        if (delta < long.MaxValue && (planner.IsCompressed
            ? SampleSize(planner, PageEncoding.DeltaBinaryPacked) <= SampleSize(planner, PageEncoding.Plain)
            : delta < (long)count * sizeof(T)))
            Encoding = PageEncoding.DeltaBinaryPacked;
    }

    /// <summary>Bytes of all values by the best encoding without dictionary, compressed.</summary>
    private long OtherSize(EncodingPlanner planner, long delta)
    {
        var smallest = SampleSize(planner, PageEncoding.Plain);
        if (delta < long.MaxValue)
            smallest = Math.Min(smallest, SampleSize(planner, PageEncoding.DeltaBinaryPacked));
        return (long)(smallest * (double)count / Math.Min(count, SampleRuns * SampleRunLength));
    }

    private int SampleSize(EncodingPlanner planner, PageEncoding encoding)
    {
        var page = planner.Workspace.Page;
        page.Truncate(0);
        var chosen = Encoding;
        Encoding = encoding;
        if (count <= SampleRuns * SampleRunLength)
            Write(0, count, page);
        else
            for (var run = 0; run < SampleRuns; run++)
                Write((int)((long)run * (count - SampleRunLength) / (SampleRuns - 1)), SampleRunLength, page);
        Encoding = chosen;
        return planner.CompressedSampleSize();
    }

    private long DeltaSize()
    {
        const int Runs = 16;
        const int RunLength = DeltaBinaryPackedWriter.BlockSize;
        if (count <= RunLength)
            return sizeof(T) + (count > 1 ? DeltaBinaryPackedWriter.SizeOf(values + 1, count - 1) : 0);
        var size = 0L;
        for (var run = 0; run < Runs; run++)
            size += DeltaBinaryPackedWriter.SizeOf(values + 1 + (long)run * (count - 1 - RunLength) / (Runs - 1), RunLength);
        return size * count / (Runs * RunLength);
    }
}
