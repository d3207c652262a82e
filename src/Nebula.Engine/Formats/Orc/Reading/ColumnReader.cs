using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Reads the values of one column of a block, a batch after the other.</summary>
internal abstract class ColumnReader
{
    private readonly BooleanReader? _present;
    private readonly string _path;

    /// <summary>Opens the streams of a column.</summary>
    /// <param name="block">The block.</param>
    /// <param name="type">The column in the file.</param>
    /// <param name="dataType">The column here.</param>
    /// <param name="path">Names from the root to the column, for messages.</param>
    protected ColumnReader(BlockStreams block, OrcType type, DataType dataType, string path)
    {
        Block = block;
        DataType = dataType;
        _path = path;
        _present = block.OpenBooleans(type.Id, StreamKind.Present);
    }

    /// <summary>Type of the columns made.</summary>
    protected DataType DataType { get; }

    /// <summary>The block that is read.</summary>
    protected BlockStreams Block { get; }

    /// <summary>Reads the next values.</summary>
    /// <param name="slots">Number of slots of the result.</param>
    /// <param name="mask">Which of them have something in the streams; the others become null.</param>
    public Column Read(int slots, RowMask mask)
    {
        try
        {
            using var scope = new BufferScope();
            var validity = ReadValidity(slots, mask, scope, out var count);
            var column = ReadValues(slots, count, validity, scope);
            scope.Release();
            return column;
        }
        catch (OrcFault fault) when (fault.Column is null)
        {
            fault.Column = _path;
            throw;
        }
    }

    /// <summary>Checks that all streams were read to where the next row group starts.</summary>
    public void VerifyEnd()
    {
        try
        {
            _present?.VerifyEnd();
            VerifyStreams();
        }
        catch (OrcFault fault) when (fault.Column is null)
        {
            fault.Column = _path;
            throw;
        }
    }

    /// <summary>Reads values and puts them into their slots.</summary>
    /// <param name="slots">Number of slots.</param>
    /// <param name="count">Number of values that the streams have for them.</param>
    /// <param name="validity">Which slots they belong to; null when to all. Is the result's.</param>
    /// <param name="scope">Takes what is rented, until all is well.</param>
    protected abstract Column ReadValues(int slots, int count, PooledBuffer? validity, BufferScope scope);

    /// <summary>Checks the streams of this kind of column, and the children.</summary>
    protected abstract void VerifyStreams();

    private PooledBuffer? ReadValidity(int slots, RowMask mask, BufferScope scope, out int count)
    {
        count = mask.Count;
        if (_present is null && mask.Bits.IsEmpty)
            return null;
        var validity = scope.Add(Block.Settings.Pool.Rent(Bitmap.ByteCount(slots)));
        if (_present is null)
        {
            mask.Bits[..Bitmap.ByteCount(slots)].CopyTo(validity.Span);
            return validity;
        }
        if (mask.Bits.IsEmpty)
            _present.Read(validity.Span, slots);
        else
        {
            using var dense = Block.Settings.Pool.Rent(Bitmap.ByteCount(mask.Count));
            _present.Read(dense.Span, mask.Count);
            Slots.SpreadBits(dense.Span, mask.Bits, validity.Span, slots);
        }
        count = Bitmap.CountSet(validity.Span, slots);
        return validity;
    }
}
