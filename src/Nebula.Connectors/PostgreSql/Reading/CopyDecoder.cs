using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Turns rows of a binary <c>COPY</c> into columns. Stateless: one serves all threads.</summary>
internal sealed class CopyDecoder : IBlockDecoder
{
    private const int DaysTo2000 = 10_957;
    private const long MicrosecondsPerDay = 86_400_000_000;
    private const long MicrosecondsTo2000 = DaysTo2000 * MicrosecondsPerDay;
    private const byte JsonbVersion = 1;
    private readonly string _name;
    private readonly BufferPool _pool;
    private readonly PostgreSqlWire[] _wires;
    private readonly Schema _read;
    private readonly BatchConverter? _converter;

    /// <param name="plan">The columns.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="NebulaException">A column cannot be converted to what the plan wants.</exception>
    public CopyDecoder(StreamPlan plan, BufferPool pool)
    {
        _name = plan.Stream.Name;
        _pool = pool;
        var columns = TableDetails.Columns(plan);
        _wires = [.. columns.Select(static column => column.Wire)];
        var read = new Schema(columns.Select(static column => column.Field));
        var converter = new BatchConverter(read, plan.Schema, [.. Enumerable.Range(0, columns.Length)], plan.Lossy, pool);
        _converter = converter.IsIdentity ? null : converter;
        _read = converter.IsIdentity ? plan.Schema : read;
    }

    /// <summary>Decodes a block of whole rows.</summary>
    /// <param name="block">The block; its context is the number of rows.</param>
    /// <param name="sink">Takes the rows.</param>
    /// <exception cref="DataFormatException">The bytes are no rows of these columns.</exception>
    public void Decode(RawBlock block, IDecodeSink sink)
    {
        if (_converter is not null)
            sink = new ConvertingSink(_converter, sink, block.Position);
        using var builder = new RecordBatchBuilder(_pool, _read);
        // where the values of a row start, and how long they are: -1 for null
        using var scratch = _pool.Rent(Math.Max(_wires.Length, 1) * 2 * sizeof(int));
        var places = scratch.As<int>()[..(_wires.Length * 2)];
        ReadOnlySpan<byte> bytes = block.Buffer.Content;
        var columns = builder.Columns.AsSpan();
        var at = 0;
        for (var row = 0; row < block.Context; row++)
        {
            var start = at;
            at = FindValues(bytes, at, places, block.Position);
            if (FindFault(bytes, places) is { } fault)
            {
                sink.Reject(new RejectedRow(
                    new SourceLocation(_name, Column: _read.Fields[fault.Column].Name, ByteOffset: block.Position.ByteOffset + start), fault.Reason, bytes[start..at].ToArray()));
                continue;
            }
            for (var i = 0; i < columns.Length; i++)
                if (places[2 * i + 1] < 0)
                    columns[i].AppendNull();
                else
                    Append(columns[i], _wires[i], bytes.Slice(places[2 * i], places[2 * i + 1]), i, block.Position.ByteOffset + start);
            builder.Length++;
        }
        if (builder.Length > 0)
            sink.Add(builder.Build());
    }

    private int FindValues(ReadOnlySpan<byte> bytes, int at, Span<int> places, SourcePosition position)
    {
        var start = at;
        at += sizeof(short);
        for (var i = 0; i < places.Length; i += 2)
        {
            if (bytes.Length - at < sizeof(int))
                throw Broken(i / 2, position.ByteOffset + start);
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
            at += sizeof(int);
            if (length < -1 || length > bytes.Length - at)
                throw Broken(i / 2, position.ByteOffset + start);
            (places[i], places[i + 1]) = (at, length);
            at += Math.Max(length, 0);
        }
        return at;
    }

    /// <summary>Finds a value that its column cannot hold. Done before anything of the row is appended.</summary>
    private (int Column, string Reason)? FindFault(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> places)
    {
        for (var i = 0; i < _wires.Length; i++)
        {
            if (_wires[i] is not (PostgreSqlWire.Numeric or PostgreSqlWire.Date or PostgreSqlWire.Time or PostgreSqlWire.Timestamp) || places[2 * i + 1] < 0)
                continue;
            var value = bytes.Slice(places[2 * i], places[2 * i + 1]);
            var fault = _wires[i] switch
            {
                PostgreSqlWire.Numeric => value.Length >= NumericReader.HeaderSize && NumericReader.IsSpecial(value) ? NumericReader.NameOf(value) : null,
                PostgreSqlWire.Date when value.Length == sizeof(int) => BinaryPrimitives.ReadInt32BigEndian(value) switch
                {
                    int.MaxValue => "infinity",
                    int.MinValue => "-infinity",
                    _ => null,
                },
                PostgreSqlWire.Time when value.Length == sizeof(long) => BinaryPrimitives.ReadInt64BigEndian(value) >= MicrosecondsPerDay ? "24:00:00" : null,
                PostgreSqlWire.Timestamp when value.Length == sizeof(long) => BinaryPrimitives.ReadInt64BigEndian(value) switch
                {
                    long.MaxValue => "infinity",
                    long.MinValue => "-infinity",
                    > long.MaxValue - MicrosecondsTo2000 => "a time after the year 294246",
                    _ => null,
                },
                _ => null,
            };
            if (fault is not null)
                return (i, $"{fault} is no {_read.Fields[i].Type}; 'type: string' for the column keeps what PostgreSQL prints.");
        }
        return null;
    }

    private void Append(ColumnBuilder column, PostgreSqlWire wire, ReadOnlySpan<byte> value, int index, long position)
    {
        switch (wire)
        {
            case PostgreSqlWire.Bool when value.Length == sizeof(byte):
                column.AppendBool(value[0] != 0);
                break;
            case PostgreSqlWire.Int2 when value.Length == sizeof(short):
                column.Append(BinaryPrimitives.ReadInt16BigEndian(value));
                break;
            case PostgreSqlWire.Int4 or PostgreSqlWire.Float4 or PostgreSqlWire.Oid when value.Length == sizeof(int):
                column.Append(BinaryPrimitives.ReadInt32BigEndian(value));
                break;
            case PostgreSqlWire.Int8 or PostgreSqlWire.Float8 or PostgreSqlWire.Time when value.Length == sizeof(long):
                column.Append(BinaryPrimitives.ReadInt64BigEndian(value));
                break;
            case PostgreSqlWire.Date when value.Length == sizeof(int):
                column.Append(BinaryPrimitives.ReadInt32BigEndian(value) + DaysTo2000);
                break;
            case PostgreSqlWire.Timestamp when value.Length == sizeof(long):
                column.Append(BinaryPrimitives.ReadInt64BigEndian(value) + MicrosecondsTo2000);
                break;
            case PostgreSqlWire.Uuid when value.Length == 16:
                column.Append(MemoryMarshal.Read<UInt128>(value));
                break;
            case PostgreSqlWire.Numeric when value.Length >= NumericReader.HeaderSize
                && NumericReader.TryRead(value, column.Type.Precision, column.Type.Scale, out var number):
                if (column.ByteWidth == sizeof(long))
                    column.Append((long)number);
                else
                    column.Append(number);
                break;
            case PostgreSqlWire.Jsonb when value.Length > 0 && value[0] == JsonbVersion:
                column.AppendBytes(value[1..]);
                break;
            case PostgreSqlWire.Bytes or PostgreSqlWire.Cast or PostgreSqlWire.Printed or PostgreSqlWire.ToJson:
                column.AppendBytes(value);
                break;
            default:
                throw Broken(index, position);
        }
    }

    private DataFormatException Broken(int column, long position) => new(
        $"A value of {_read.Fields[column].Type} does not have the form that it should have. The column's type was changed after the run was planned: run again.",
        new SourceLocation(_name, Column: _read.Fields[column].Name, ByteOffset: position));
}
