using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>A column whose values have a fixed width: they are read one behind the other and then spread over the slots.</summary>
internal abstract unsafe class FixedReader(BlockStreams block, OrcType type, DataType dataType, string path) : ColumnReader(block, type, dataType, path)
{
    protected override Column ReadValues(int slots, int count, PooledBuffer? validity, BufferScope scope)
    {
        var width = DataType.ByteWidth;
        var values = scope.Add(Block.Settings.Pool.Rent(checked(slots * width)));
        if (count > 0)
            Decode(values.Pointer, count);
        if (count == 0)
            values.Span[..(slots * width)].Clear();
        else if (count < slots)
        {
            // slots of nulls keep what spreading leaves there, but not what the pool's last borrower did
            values.Span[(count * width)..(slots * width)].Clear();
            switch (width)
            {
                case 1:
                    Slots.Spread(values.Pointer, count, validity!.Span, slots);
                    break;
                case 2:
                    Slots.Spread((short*)values.Pointer, count, validity!.Span, slots);
                    break;
                case 4:
                    Slots.Spread((int*)values.Pointer, count, validity!.Span, slots);
                    break;
                case 8:
                    Slots.Spread((long*)values.Pointer, count, validity!.Span, slots);
                    break;
                default:
                    Slots.Spread((Int128*)values.Pointer, count, validity!.Span, slots);
                    break;
            }
        }
        return new Column(DataType, slots, slots - count, validity, values);
    }

    /// <summary>Reads values.</summary>
    /// <param name="target">Where they go; <see cref="BufferPool.Padding"/> bytes behind them may be overwritten.</param>
    /// <param name="count">How many, at least 1.</param>
    protected abstract void Decode(byte* target, int count);
}

/// <summary>smallint, int, bigint and date (ORC v1, "SmallInt, Int, and BigInt Columns", "Date Columns").</summary>
internal sealed unsafe class IntegerColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : FixedReader(block, type, dataType, path)
{
    private readonly IntegerReader? _data = block.OpenIntegers(type.Id, StreamKind.Data, isSigned: true);

    protected override void Decode(byte* target, int count)
    {
        var data = _data ?? throw BlockStreams.Missing(StreamKind.Data);
        switch (DataType.ByteWidth)
        {
            case 2:
                data.Read((short*)target, count);
                break;
            case 4:
                data.Read((int*)target, count);
                break;
            default:
                data.Read((long*)target, count);
                break;
        }
    }

    protected override void VerifyStreams() => _data?.VerifyEnd();
}

/// <summary>tinyint (ORC v1, "TinyInt Columns").</summary>
internal sealed unsafe class TinyIntColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : FixedReader(block, type, dataType, path)
{
    private readonly ByteRunReader? _data = block.OpenByteRuns(type.Id, StreamKind.Data);

    protected override void Decode(byte* target, int count) => (_data ?? throw BlockStreams.Missing(StreamKind.Data)).Read(target, count);

    protected override void VerifyStreams() => _data?.VerifyEnd();
}

/// <summary>float and double (ORC v1, "Float and Double Columns").</summary>
internal sealed unsafe class FloatColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : FixedReader(block, type, dataType, path)
{
    private readonly ByteStream? _data = block.OpenBytes(type.Id, StreamKind.Data);
    private readonly int _column = type.Id;

    protected override void Decode(byte* target, int count) =>
        (_data ?? throw BlockStreams.Missing(StreamKind.Data)).CopyTo(target, (long)count * DataType.ByteWidth);

    protected override void VerifyStreams() => Block.VerifyEnd(_data, _column, StreamKind.Data);
}

/// <summary>boolean (ORC v1, "Boolean Columns").</summary>
internal sealed class BooleanColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : ColumnReader(block, type, dataType, path)
{
    private readonly BooleanReader? _data = block.OpenBooleans(type.Id, StreamKind.Data);

    protected override Column ReadValues(int slots, int count, PooledBuffer? validity, BufferScope scope)
    {
        var values = scope.Add(Block.Settings.Pool.Rent(Bitmap.ByteCount(slots)));
        if (count == 0)
            values.Span[..Bitmap.ByteCount(slots)].Clear();
        else if (_data is null)
            throw BlockStreams.Missing(StreamKind.Data);
        else if (count == slots)
            _data.Read(values.Span, count);
        else
        {
            using var dense = Block.Settings.Pool.Rent(Bitmap.ByteCount(count) + sizeof(ulong));
            _data.Read(dense.Span, count);
            Slots.SpreadBits(dense.Span, validity!.Span, values.Span, slots);
        }
        return new Column(DataType, slots, slots - count, validity, values);
    }

    protected override void VerifyStreams() => _data?.VerifyEnd();
}
