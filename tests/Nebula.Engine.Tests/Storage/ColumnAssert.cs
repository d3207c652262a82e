using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;

namespace Nebula.Engine.Tests.Storage;

/// <summary>Compares columns value by value and bit by bit, through nothing but what <see cref="Column"/> shows to everybody.</summary>
internal static class ColumnAssert
{
    public static void Equal(RecordBatch expected, int start, RecordBatch actual)
    {
        Assert.Equal(expected.Schema, actual.Schema);
        for (var i = 0; i < expected.Columns.Length; i++)
        {
            Assert.Equal(actual.Length, actual.Columns[i].Length);
            EqualRange(expected.Columns[i], start, actual.Columns[i], 0, actual.Length, expected.Schema.Fields[i].ToString());
        }
    }

    /// <summary>Asserts that a store gives back just the rows of a batch, and returns how many batches it took.</summary>
    public static int Holds(RecordBatch expected, IRecordStore store, int maxRows)
    {
        Assert.Equal(expected.Length, store.Records);
        var (rows, batches) = (0, 0);
        foreach (var batch in store.ToBatches(maxRows))
            using (batch)
            {
                Assert.InRange(batch.Length, 1, maxRows);
                Assert.True(rows + batch.Length <= expected.Length, "more rows than were appended");
                Equal(expected, rows, batch);
                rows += batch.Length;
                batches++;
            }
        Assert.Equal(expected.Length, rows);
        return batches;
    }

    public static void EqualRange(Column expected, int start, Column actual, int actualStart, int count, string name)
    {
        Assert.Equal(expected.Type, actual.Type);
        for (var i = 0; i < count; i++)
        {
            var (e, a) = (start + i, actualStart + i);
            if (expected.IsNull(e) != actual.IsNull(a))
                Fail(name, e, "null differs");
            if (!expected.IsNull(e))
                EqualValue(expected, e, actual, a, name);
        }
        if (actualStart == 0 && count == actual.Length)
            Assert.Equal(Enumerable.Range(0, count).Count(actual.IsNull), actual.NullCount);
    }

    private static void EqualValue(Column expected, int e, Column actual, int a, string name)
    {
        switch (expected.Type.Kind)
        {
            case TypeKind.Bool:
                if (Bitmap.Get(expected.Bits, e) != Bitmap.Get(actual.Bits, a))
                    Fail(name, e, "boolean differs");
                break;
            case TypeKind.String or TypeKind.Binary or TypeKind.Json:
                if (!expected.GetBytes(e).SequenceEqual(actual.GetBytes(a)))
                    Fail(name, e, "bytes differ");
                break;
            case TypeKind.List or TypeKind.Map:
                var length = expected.Offsets[e + 1] - expected.Offsets[e];
                if (length != actual.Offsets[a + 1] - actual.Offsets[a])
                    Fail(name, e, "length differs");
                for (var child = 0; child < expected.Children.Length; child++)
                    EqualRange(expected.Children[child], expected.Offsets[e], actual.Children[child], actual.Offsets[a], length, $"{name}[{e}]");
                break;
            case TypeKind.Struct:
                for (var child = 0; child < expected.Children.Length; child++)
                    EqualRange(expected.Children[child], e, actual.Children[child], a, 1, $"{name}.{expected.Type.Fields[child].Name}");
                break;
            default:
                var width = expected.Type.ByteWidth;
                var before = Fixed(expected).Slice(e * width, width);
                var after = Fixed(actual).Slice(a * width, width);
                if (!before.SequenceEqual(after))
                    Fail(name, e, $"value differs: {Convert.ToHexString(before)} became {Convert.ToHexString(after)}");
                break;
        }
    }

    private static ReadOnlySpan<byte> Fixed(Column column) => column.Type.ByteWidth switch
    {
        1 => column.Values<byte>(),
        2 => MemoryMarshal.AsBytes(column.Values<ushort>()),
        4 => MemoryMarshal.AsBytes(column.Values<uint>()),
        8 => MemoryMarshal.AsBytes(column.Values<ulong>()),
        _ => MemoryMarshal.AsBytes(column.Values<UInt128>()),
    };

    private static void Fail(string name, int index, string what) => Assert.Fail($"{name}, value {index}: {what}");
}
