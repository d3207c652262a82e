using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Makes of a leaf the values that are encoded.</summary>
internal static unsafe class ChunkValuesFactory
{
    /// <summary>Brings the values of a leaf together.</summary>
    /// <param name="entries">The leaf.</param>
    /// <param name="workspace">Holds what had to be moved; the values are good until it is used for the next leaf.</param>
    public static ChunkValues Create(LeafEntries entries, WriteWorkspace workspace)
    {
        var field = entries.Field;
        var count = entries.ValueCount;
        switch (field.PhysicalType)
        {
            case PhysicalType.Boolean:
                var bits = ValueGatherer.Bits(entries, workspace.Gathered);
                return new BooleanChunk((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bits)), bits.Length / sizeof(ulong));
            case PhysicalType.Int32 or PhysicalType.Float:
                return new NumberChunk<int>((int*)ValueGatherer.Stored(entries, workspace.Gathered, workspace.Converted), count, OrderOf(field));
            case PhysicalType.Int64 or PhysicalType.Double:
                return new NumberChunk<long>((long*)ValueGatherer.Stored(entries, workspace.Gathered, workspace.Converted), count, OrderOf(field));
            case PhysicalType.FixedLenByteArray:
                return CreateFixed(entries, workspace);
            default:
                return CreateByteArrays(entries, workspace);
        }
    }

    private static NumberOrder OrderOf(LeafField field) => field.Type.Kind switch
    {
        TypeKind.Float32 or TypeKind.Float64 => NumberOrder.Float,
        TypeKind.UInt8 or TypeKind.UInt16 or TypeKind.UInt32 or TypeKind.UInt64 => NumberOrder.Unsigned,
        _ => NumberOrder.Signed,
    };

    private static ByteArrayChunk CreateFixed(LeafEntries entries, WriteWorkspace workspace)
    {
        var bytes = ValueGatherer.Stored(entries, workspace.Gathered, workspace.Converted);
        var width = entries.Field.TypeLength;
        workspace.Offsets.Truncate(0);
        var offsets = (int*)workspace.Offsets.Reserve(checked((entries.ValueCount + 1) * sizeof(int)));
        for (var i = 0; i <= entries.ValueCount; i++)
            offsets[i] = i * width;
        var kind = entries.Field.Type.Kind == TypeKind.Decimal ? ByteArrayKind.FixedNumber : ByteArrayKind.FixedBytes;
        return new ByteArrayChunk(bytes, offsets, entries.ValueCount, kind);
    }

    private static ByteArrayChunk CreateByteArrays(LeafEntries entries, WriteWorkspace workspace)
    {
        var kind = entries.Field.Type.Kind == TypeKind.Binary ? ByteArrayKind.Bytes : ByteArrayKind.Text;
        byte* bytes;
        int* offsets;
        if (entries.Column.Dictionary is { } dictionary)
        {
            var indices = ValueGatherer.Indices(entries, workspace.Gathered);
            if (TryTakeOver(dictionary, indices, entries.ValueCount, workspace, out var used))
                return ByteArrayChunk.OfDictionary(entries.ValueCount, kind, used, workspace);
            offsets = Expand(dictionary, indices, entries.ValueCount, workspace, out bytes);
        }
        else
            offsets = ValueGatherer.ByteArrays(entries, workspace.Offsets, workspace.Converted, out bytes);
        return new ByteArrayChunk(bytes, offsets, entries.ValueCount, kind);
    }

    /// <summary>Takes the entries that are used over into the dictionary to be written.</summary>
    /// <returns>False when they are too many or too large for a dictionary, or nearly as many as values.</returns>
    private static bool TryTakeOver(Column dictionary, int* indices, int count, WriteWorkspace workspace, out int used)
    {
        used = 0;
        var (entries, ids) = (workspace.Dictionary, workspace.Ids);
        entries.Truncate(0);
        ids.Truncate(0);
        workspace.Scratch.Truncate(0);
        var known = (int*)workspace.Scratch.Reserve(checked(dictionary.Length * sizeof(int)));
        new Span<int>(known, dictionary.Length).Clear();
        var target = (ushort*)ids.Reserve(checked((count + 8) * sizeof(ushort)));
        for (var i = 0; i < count; i++)
        {
            ref var id = ref known[indices[i]];
            if (id == 0)
            {
                var value = dictionary.GetBytes(indices[i]);
                var size = (long)entries.Length + sizeof(int) + value.Length;
                if (used == ChunkValues.MaxDictionaryEntries || size > ByteArrayDictionary.MaxBytes || used > 64 + count / 2)
                    return false;
                id = ++used;
                entries.Append(value.Length);
                value.CopyTo(entries.Extend(value.Length));
            }
            target[i] = (ushort)(id - 1);
        }
        return used > 0;
    }

    private static int* Expand(Column dictionary, int* indices, int count, WriteWorkspace workspace, out byte* bytes)
    {
        workspace.Offsets.Truncate(0);
        workspace.Converted.Truncate(0);
        var offsets = (int*)workspace.Offsets.Reserve(checked((count + 1) * sizeof(int)));
        offsets[0] = 0;
        for (var i = 0; i < count; i++)
        {
            var value = dictionary.GetBytes(indices[i]);
            value.CopyTo(workspace.Converted.Extend(value.Length));
            offsets[i + 1] = workspace.Converted.Length;
        }
        bytes = workspace.Converted.Reserve(0) - workspace.Converted.Length;
        return offsets;
    }
}
