using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Makes columns of nested types from the levels of their leaves (README.md of the format, "Nested Encoding").</summary>
/// <remarks>The lengths of a list are taken from its first leaf; all its leaves must tell the same.</remarks>
/// <param name="leaves">Readers of the leaves, each with the levels of the same rows.</param>
/// <param name="firstLeaf">Position of the first of them among all leaves.</param>
/// <param name="pool">Where buffers come from.</param>
internal unsafe readonly struct NestedAssembler(LeafReader[] leaves, int firstLeaf, BufferPool pool)
{
    /// <summary>Makes the column of a node.</summary>
    /// <param name="node">The node.</param>
    /// <exception cref="ParquetFault">Leaves contradict each other.</exception>
    public Column Build(SchemaNode node) => node.Kind switch
    {
        SchemaNodeKind.Leaf => BuildLeaf(node),
        SchemaNodeKind.Struct => BuildStruct(node),
        _ => BuildList(node),
    };

    private LeafReader FirstLeafOf(SchemaNode node) => leaves[node.FirstLeaf - firstLeaf];

    private Column BuildLeaf(SchemaNode node)
    {
        var leaf = FirstLeafOf(node);
        using var scope = new BufferScope();
        var validity = scope.Add(pool.Rent(Bitmap.ByteCount(leaf.LevelCount)));
        var slots = Mark(leaf.Definition, null, leaf.LevelCount, node, validity, out var nulls);
        var column = leaf.Values.Finish(node.Type, slots, nulls == 0 ? null : validity);
        if (nulls > 0)
            scope.Release();
        return column;
    }

    private Column BuildStruct(SchemaNode node)
    {
        var leaf = FirstLeafOf(node);
        using var scope = new BufferScope();
        var validity = scope.Add(pool.Rent(Bitmap.ByteCount(leaf.LevelCount)));
        var slots = Mark(leaf.Definition, leaf.Repetition, leaf.LevelCount, node, validity, out var nulls);
        var children = new Column[node.Children.Length];
        for (var i = 0; i < children.Length; i++)
        {
            children[i] = scope.Add(Build(node.Children[i]));
            RequireLength(node, node.Children[i], children[i], slots);
        }
        if (nulls == 0)
            validity.Dispose();
        scope.Release();
        return new Column(node.Type, slots, nulls, nulls == 0 ? null : validity, null, null, [.. children]);
    }

    private Column BuildList(SchemaNode node)
    {
        var leaf = FirstLeafOf(node);
        using var scope = new BufferScope();
        var validity = scope.Add(pool.Rent(Bitmap.ByteCount(leaf.LevelCount)));
        var offsets = scope.Add(pool.Rent(checked((leaf.LevelCount + 1) * sizeof(int))));
        var (slots, nulls) = MarkLists(leaf, node, (ulong*)validity.Pointer, (int*)offsets.Pointer);
        var elements = ((int*)offsets.Pointer)[slots];
        var children = new Column[node.Children.Length];
        for (var i = 0; i < children.Length; i++)
        {
            children[i] = scope.Add(Build(node.Children[i]));
            RequireLength(node, node.Children[i], children[i], elements);
        }
        if (node.Kind == SchemaNodeKind.Map && children[0].NullCount > 0)
            throw new ParquetFault($"{children[0].NullCount} keys of a map are null", -1, "Leave out the column, or have its writer give every entry a key.");
        if (nulls == 0)
            validity.Dispose();
        scope.Release();
        return new Column(node.Type, slots, nulls, nulls == 0 ? null : validity, null, offsets, [.. children]);
    }

    private static void RequireLength(SchemaNode parent, SchemaNode child, Column column, int expected)
    {
        if (column.Length != expected)
            throw new ParquetFault($"the field \"{child.Name}\" of \"{parent.Name}\" has {column.Length} values where the fields before it have {expected}");
    }

    /// <summary>Marks which slots are not null.</summary>
    /// <returns>Number of slots.</returns>
    private static int Mark(uint* definition, uint* repetition, int count, SchemaNode node, PooledBuffer validity, out int nulls)
    {
        var words = (ulong*)validity.Pointer;
        var (slotLevel, presentLevel, innermost) = ((uint)node.SlotLevel, (uint)node.DefinitionLevel, (uint)node.RepetitionLevel);
        var slots = 0;
        var present = 0;
        var word = 0UL;
        for (var i = 0; i < count; i++)
        {
            if (definition[i] < slotLevel || repetition is not null && repetition[i] > innermost)
                continue;
            var isPresent = definition[i] >= presentLevel ? 1UL : 0;
            word |= isPresent << (slots & 63);
            present += (int)isPresent;
            if ((++slots & 63) == 0)
            {
                words[(slots >> 6) - 1] = word;
                word = 0;
            }
        }
        if ((slots & 63) != 0)
            words[slots >> 6] = word;
        nulls = slots - present;
        return slots;
    }

    private static (int Slots, int Nulls) MarkLists(LeafReader leaf, SchemaNode node, ulong* validity, int* offsets)
    {
        var definition = leaf.Definition;
        var repetition = leaf.Repetition;
        var (slotLevel, presentLevel, elementLevel, own) = ((uint)node.SlotLevel, (uint)node.DefinitionLevel, (uint)node.ElementLevel,
            (uint)node.RepetitionLevel);
        var (slots, elements, present) = (0, 0, 0);
        var word = 0UL;
        offsets[0] = 0;
        for (var i = 0; i < leaf.LevelCount; i++)
        {
            if (repetition[i] > own)
                continue;
            if (repetition[i] == own)
            {
                if (definition[i] < elementLevel || slots == 0 || elements == offsets[slots - 1])
                    throw new ParquetFault($"a value continues a list in \"{node.Name}\" that is empty or null");
                offsets[slots] = ++elements;
                continue;
            }
            if (definition[i] < slotLevel)
                continue;
            var isPresent = definition[i] >= presentLevel ? 1UL : 0;
            word |= isPresent << (slots & 63);
            present += (int)isPresent;
            if (definition[i] >= elementLevel)
                elements++;
            offsets[++slots] = elements;
            if ((slots & 63) == 0)
            {
                validity[(slots >> 6) - 1] = word;
                word = 0;
            }
        }
        if ((slots & 63) != 0)
            validity[slots >> 6] = word;
        return (slots, slots - present);
    }
}
