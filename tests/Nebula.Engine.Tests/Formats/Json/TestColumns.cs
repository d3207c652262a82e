using System.Collections.Immutable;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Json;

/// <summary>
/// Makes columns of plain objects and reads them back: long, double, Int128 (unscaled), bool, string, byte[], object?[] for lists and structs, (object,
/// object?)[] for maps.
/// </summary>
internal static class TestColumns
{
    public static RecordBatch Batch(BufferPool pool, Schema schema, params object?[][] rows) =>
        new(schema, [.. schema.Fields.Select((field, i) => Make(pool, field.Type, [.. rows.Select(row => row[i])]))], rows.Length);

    public static Column Make(BufferPool pool, DataType type, object?[] values)
    {
        var nulls = values.Count(static value => value is null);
        PooledBuffer? validity = null;
        if (nulls > 0)
        {
            validity = pool.Rent(Bitmap.ByteCount(values.Length));
            for (var i = 0; i < values.Length; i++)
                Bitmap.Set(validity.Span, i, values[i] is not null);
        }
        return type.Kind switch
        {
            TypeKind.Struct => new Column(type, values.Length, nulls, validity, null, null,
                [.. type.Fields.Select((field, i) => Make(pool, field.Type, [.. values.Select(value => (value as object?[])?[i])]))]),
            TypeKind.List => new Column(type, values.Length, nulls, validity, null, Offsets(pool, values, static value => ((object?[])value).Length),
                [Make(pool, type.Fields[0].Type, [.. values.OfType<object?[]>().SelectMany(static list => list)])]),
            TypeKind.Map => new Column(type, values.Length, nulls, validity, null, Offsets(pool, values, static value => (((object, object?)[])value).Length),
                ImmutableArray.Create(
                    Make(pool, type.Fields[0].Type, [.. values.OfType<(object, object?)[]>().SelectMany(static map => map).Select(static pair => pair.Item1)]),
                    Make(pool, type.Fields[1].Type, [.. values.OfType<(object, object?)[]>().SelectMany(static map => map)
                        .Select(static pair => pair.Item2)]))),
            TypeKind.String or TypeKind.Json or TypeKind.Binary => MakeBytes(pool, type, values, nulls, validity),
            _ => MakeFixed(pool, type, values, nulls, validity),
        };
    }

    public static Column Dictionary(BufferPool pool, string[] entries, int?[] indices)
    {
        var nulls = indices.Count(static i => i is null);
        var validity = pool.Rent(Bitmap.ByteCount(indices.Length));
        var values = pool.Rent(indices.Length * 4);
        for (var i = 0; i < indices.Length; i++)
        {
            Bitmap.Set(validity.Span, i, indices[i] is not null);
            values.As<int>()[i] = indices[i] ?? 0;
        }
        return new Column(DataType.String, indices.Length, nulls, validity, values, dictionary: Make(pool, DataType.String, entries));
    }

    public static object? Read(Column column, int index)
    {
        if (column.IsNull(index))
            return null;
        return column.Type.Kind switch
        {
            TypeKind.Struct => column.Children.Select(child => Read(child, index)).ToArray(),
            TypeKind.List => Range(column, index).Select(i => Read(column.Children[0], i)).ToArray(),
            TypeKind.Map => Range(column, index).Select(i => (Read(column.Children[0], i)!, Read(column.Children[1], i))).ToArray(),
            TypeKind.String or TypeKind.Json => Encoding.UTF8.GetString(column.GetBytes(index)),
            TypeKind.Binary => column.GetBytes(index).ToArray(),
            TypeKind.Bool => Bitmap.Get(column.Bits, index),
            TypeKind.Int8 => (long)column.Values<sbyte>()[index],
            TypeKind.Int16 => (long)column.Values<short>()[index],
            TypeKind.Int32 or TypeKind.Date => (long)column.Values<int>()[index],
            TypeKind.UInt8 => (long)column.Values<byte>()[index],
            TypeKind.UInt16 => (long)column.Values<ushort>()[index],
            TypeKind.UInt32 => (long)column.Values<uint>()[index],
            TypeKind.UInt64 => (Int128)column.Values<ulong>()[index],
            TypeKind.Float32 => (double)column.Values<float>()[index],
            TypeKind.Float64 => column.Values<double>()[index],
            TypeKind.Decimal => column.Type.ByteWidth == 8 ? column.Values<long>()[index] : (object)column.Values<Int128>()[index],
            TypeKind.Uuid => column.Values<UInt128>()[index],
            _ => column.Values<long>()[index],
        };
    }

    public static void AssertConsistent(Column column, int length)
    {
        Assert.Equal(length, column.Length);
        Assert.Equal(column.HasValidity ? length - Bitmap.CountSet(column.Validity, length) : 0, column.NullCount);
        if (column.Type.Kind is TypeKind.List or TypeKind.Map or TypeKind.String or TypeKind.Json or TypeKind.Binary)
        {
            Assert.Equal(0, column.Offsets[0]);
            for (var i = 0; i < length; i++)
                Assert.True(column.Offsets[i] <= column.Offsets[i + 1]);
        }
        foreach (var child in column.Children)
            AssertConsistent(child, column.Type.Kind == TypeKind.Struct ? length : column.Offsets[length]);
    }

    private static IEnumerable<int> Range(Column column, int index)
    {
        var start = column.Offsets[index];
        return Enumerable.Range(start, column.Offsets[index + 1] - start);
    }

    private static PooledBuffer Offsets(BufferPool pool, object?[] values, Func<object, int> length)
    {
        var offsets = pool.Rent((values.Length + 1) * 4);
        var at = 0;
        for (var i = 0; i < values.Length; i++)
        {
            offsets.As<int>()[i] = at;
            at += values[i] is { } value ? length(value) : 0;
        }
        offsets.As<int>()[values.Length] = at;
        return offsets;
    }

    private static Column MakeBytes(BufferPool pool, DataType type, object?[] values, int nulls, PooledBuffer? validity)
    {
        var bytes = values.Select(static value => value as byte[] ?? (value is string text ? Encoding.UTF8.GetBytes(text) : [])).ToArray();
        var buffer = pool.Rent(bytes.Sum(static b => b.Length));
        var at = 0;
        foreach (var b in bytes)
        {
            b.CopyTo(buffer.Span[at..]);
            at += b.Length;
        }
        var index = 0;
        var offsets = Offsets(pool, [.. values.Select(static value => value ?? Array.Empty<byte>())], _ => bytes[index++].Length);
        return new Column(type, values.Length, nulls, validity, buffer, offsets);
    }

    private static Column MakeFixed(BufferPool pool, DataType type, object?[] values, int nulls, PooledBuffer? validity)
    {
        var buffer = pool.Rent(Math.Max(values.Length * Math.Max(type.ByteWidth, 1), Bitmap.ByteCount(values.Length)));
        buffer.Span.Clear();
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] is not { } value)
                continue;
            switch (type.Kind)
            {
                case TypeKind.Bool: Bitmap.Set(buffer.Span, i, (bool)value); break;
                case TypeKind.Int8: buffer.As<sbyte>()[i] = (sbyte)(long)value; break;
                case TypeKind.UInt8: buffer.As<byte>()[i] = (byte)(long)value; break;
                case TypeKind.Int16: buffer.As<short>()[i] = (short)(long)value; break;
                case TypeKind.UInt16: buffer.As<ushort>()[i] = (ushort)(long)value; break;
                case TypeKind.Int32 or TypeKind.Date: buffer.As<int>()[i] = (int)(long)value; break;
                case TypeKind.UInt32: buffer.As<uint>()[i] = (uint)(long)value; break;
                case TypeKind.UInt64: buffer.As<ulong>()[i] = (ulong)(Int128)value; break;
                case TypeKind.Float32: buffer.As<float>()[i] = (float)(double)value; break;
                case TypeKind.Float64: buffer.As<double>()[i] = (double)value; break;
                case TypeKind.Decimal when type.ByteWidth == 16: buffer.As<Int128>()[i] = value is long small ? small : (Int128)value; break;
                case TypeKind.Uuid: buffer.As<UInt128>()[i] = (UInt128)value; break;
                default: buffer.As<long>()[i] = (long)value; break;
            }
        }
        return new Column(type, values.Length, nulls, validity, buffer);
    }
}
