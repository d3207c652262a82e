using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>list and map (ORC v1, "List Columns", "Map Columns").</summary>
internal sealed unsafe class ListColumnReader : ColumnReader
{
    // Elements are claimed by lengths, and must not be believed before they are there: so many are read at once.
    private const int MaxElementsAtOnce = 1 << 20;
    private readonly IntegerReader? _lengths;
    private readonly ImmutableArray<ColumnReader> _children;

    /// <summary>Opens the streams of a column.</summary>
    public ListColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : base(block, type, dataType, path)
    {
        _lengths = block.OpenIntegers(type.Id, StreamKind.Length, isSigned: false);
        _children = ColumnReaders.OfChildren(block, type.Children, dataType.Fields, path);
    }

    protected override Column ReadValues(int slots, int count, PooledBuffer? validity, BufferScope scope)
    {
        var pool = Block.Settings.Pool;
        var offsets = scope.Add(pool.Rent(checked((slots + 1) * sizeof(int))));
        long total = 0;
        if (count > 0)
        {
            using var lengths = pool.Rent(checked(count * sizeof(long)));
            (_lengths ?? throw BlockStreams.Missing(StreamKind.Length)).Read((long*)lengths.Pointer, count);
            var valid = validity is null || count == slots ? default : validity.Span;
            total = VariableValues.WriteOffsets(new ReadOnlySpan<long>(lengths.Pointer, count), valid, (int*)offsets.Pointer, slots, Block.BatchLimit,
                out var longest);
            Block.CheckBatch(total, longest);
        }
        else
            offsets.As<int>()[..(slots + 1)].Clear();
        var children = ImmutableArray.CreateBuilder<Column>(_children.Length);
        foreach (var child in _children)
            children.Add(scope.Add(total <= MaxElementsAtOnce ? child.Read((int)total, RowMask.All((int)total))
                : ReadInPieces(child, (int)total, DataType.Fields[children.Count].Type)));
        return new Column(DataType, slots, slots - count, validity, null, offsets, children.MoveToImmutable());
    }

    protected override void VerifyStreams()
    {
        _lengths?.VerifyEnd();
        foreach (var child in _children)
            child.VerifyEnd();
    }

    private Column ReadInPieces(ColumnReader child, int total, DataType type)
    {
        using var builder = new ColumnBuilder(Block.Settings.Pool, type);
        for (var done = 0; done < total;)
        {
            var step = Math.Min(MaxElementsAtOnce, total - done);
            using var piece = child.Read(step, RowMask.All(step));
            builder.AppendRange(piece, 0, step);
            if (builder.BufferBytes > Block.BatchLimit)
                Block.CheckBatch(builder.BufferBytes, builder.BufferBytes);
            done += step;
        }
        return builder.Build();
    }
}

/// <summary>struct (ORC v1, "Struct Columns").</summary>
internal sealed class StructColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : ColumnReader(block, type, dataType, path)
{
    private readonly ImmutableArray<ColumnReader> _children = ColumnReaders.OfChildren(block, type.Children, dataType.Fields, path);

    protected override Column ReadValues(int slots, int count, PooledBuffer? validity, BufferScope scope)
    {
        var children = ImmutableArray.CreateBuilder<Column>(_children.Length);
        foreach (var child in _children)
            children.Add(scope.Add(child.Read(slots, validity is null || count == slots ? RowMask.All(slots) : new RowMask(validity.Span, count))));
        return new Column(DataType, slots, slots - count, validity, null, null, children.MoveToImmutable());
    }

    protected override void VerifyStreams()
    {
        foreach (var child in _children)
            child.VerifyEnd();
    }
}

/// <summary>uniontype (ORC v1, "Union Columns") as a struct of the variant's number and one field per variant, of which one holds the value.</summary>
internal sealed unsafe class UnionColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : ColumnReader(block, type, dataType, path)
{
    private readonly ByteRunReader? _tags = block.OpenByteRuns(type.Id, StreamKind.Data);
    private readonly ImmutableArray<ColumnReader> _children = ColumnReaders.OfChildren(block, type.Children, dataType.Fields.RemoveAt(0), path);

    protected override Column ReadValues(int slots, int count, PooledBuffer? validity, BufferScope scope)
    {
        var pool = Block.Settings.Pool;
        var tags = scope.Add(pool.Rent(slots));
        if (count > 0)
            (_tags ?? throw BlockStreams.Missing(StreamKind.Data)).Read(tags.Pointer, count);
        foreach (var tag in tags.Span[..count])
            if (tag >= _children.Length)
                throw new OrcFault($"a value is of variant {tag} of a union with {_children.Length}");
        tags.Span[count..slots].Clear();
        if (count < slots && count > 0)
            Slots.Spread(tags.Pointer, count, validity!.Span, slots);
        var children = ImmutableArray.CreateBuilder<Column>(_children.Length + 1);
        children.Add(scope.Add(new Column(DataType.UInt8, slots, 0, null, tags)));
        using var mask = pool.Rent(Bitmap.ByteCount(slots));
        for (var variant = 0; variant < _children.Length; variant++)
        {
            mask.Span[..Bitmap.ByteCount(slots)].Clear();
            var members = 0;
            for (var slot = 0; slot < slots; slot++)
                if (tags.Span[slot] == variant && (validity is null || Bitmap.Get(validity.Span, slot)))
                {
                    Bitmap.Set(mask.Span, slot, true);
                    members++;
                }
            children.Add(scope.Add(_children[variant].Read(slots, new RowMask(mask.Span, members))));
        }
        return new Column(DataType, slots, slots - count, validity, null, null, children.MoveToImmutable());
    }

    protected override void VerifyStreams()
    {
        _tags?.VerifyEnd();
        foreach (var child in _children)
            child.VerifyEnd();
    }
}
