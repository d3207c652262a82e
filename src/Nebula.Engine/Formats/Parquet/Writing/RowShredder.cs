using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>
/// Takes columns apart into leaves with repetition and definition levels (Nested Encoding in the format's README), top down: each node turns the entries
/// of its parent into its own.
/// </summary>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class RowShredder(BufferPool pool)
{
    // The definition level of an entry that is still there: final levels are lower (see ParquetSchema).
    private const byte Alive = byte.MaxValue;

    /// <summary>Takes a column apart and passes its leaves on, one after the other.</summary>
    /// <param name="node">The column's node.</param>
    /// <param name="column">The column.</param>
    /// <param name="take">Takes each leaf, which is good until it returns.</param>
    /// <exception cref="NebulaException">There is a null where the schema allows none.</exception>
    public void Shred(WriteNode node, Column column, Action<LeafEntries> take)
    {
        if (node.Leaf is not { } leaf)
        {
            ShredNode(node, column, new Entries(column.Length), take);
            return;
        }
        if (column.NullCount > 0 && !node.IsNullable)
            throw NullRefused(leaf.Name, FirstNull(column));
        take(new LeafEntries(leaf, column, column.Length) { ValueCount = column.Length - column.NullCount });
    }

    private void ShredNode(WriteNode node, Column column, Entries parent, Action<LeafEntries> take)
    {
        switch (node.Type.Kind)
        {
            case TypeKind.Struct:
                ShredStruct(node, column, parent, take);
                break;
            case TypeKind.List or TypeKind.Map:
                ShredList(node, column, parent, take);
                break;
            default:
                ShredLeaf(node, column, parent, take);
                break;
        }
    }

    private void ShredStruct(WriteNode node, Column column, Entries parent, Action<LeafEntries> take)
    {
        using var scope = new BufferScope();
        var entries = parent with { Level = parent.Level + (node.IsNullable ? 1 : 0) };
        if (column.NullCount > 0)
        {
            var dead = scope.Add(pool.Rent(parent.Count));
            for (var i = 0; i < parent.Count; i++)
            {
                var level = parent.LevelAt(i);
                if (level == Alive && column.IsNull(parent.PositionAt(i)))
                    level = node.IsNullable ? (byte)parent.Level : throw NullRefused(node, parent.PositionAt(i));
                dead.Pointer[i] = level;
            }
            entries = entries with { Dead = dead };
        }
        for (var i = 0; i < node.Children.Length; i++)
            ShredNode(node.Children[i], column.Children[i], entries, take);
    }

    private void ShredList(WriteNode node, Column column, Entries parent, Action<LeafEntries> take)
    {
        using var scope = new BufferScope();
        var count = CountElements(column, parent);
        var repetition = scope.Add(pool.Rent(count));
        var dead = scope.Add(pool.Rent(count));
        var positions = scope.Add(pool.Rent(checked(count * sizeof(int))));
        var starts = scope.Add(pool.Rent(checked((parent.Rows + 1) * sizeof(int))));
        var offsets = column.Offsets;
        var emptyLevel = (byte)(parent.Level + (node.IsNullable ? 1 : 0));
        var depth = (byte)(parent.Depth + 1);
        var (next, row) = (0, 0);
        for (var i = 0; i < parent.Count; i++)
        {
            var outer = parent.RepetitionAt(i);
            if (outer == 0)
                starts.As<int>()[row++] = next;
            var (level, position) = (parent.LevelAt(i), parent.PositionAt(i));
            if (level == Alive && column.IsNull(position))
                level = node.IsNullable ? (byte)parent.Level : throw NullRefused(node, position);
            if (level == Alive && offsets[position] == offsets[position + 1])
                level = emptyLevel;
            if (level != Alive)
            {
                Put(outer, level, 0);
                continue;
            }
            for (var element = offsets[position]; element < offsets[position + 1]; element++, outer = depth)
                Put(outer, Alive, element);
        }
        starts.As<int>()[row] = next;

        var entries = new Entries(count)
        {
            Rows = parent.Rows,
            Level = emptyLevel + 1,
            Depth = depth,
            Repetition = repetition,
            Dead = dead,
            Positions = positions,
            RowStarts = starts,
        };
        for (var i = 0; i < node.Children.Length; i++)
            ShredNode(node.Children[i], column.Children[i], entries, take);

        void Put(byte repetitionLevel, byte level, int position)
        {
            repetition.Pointer[next] = repetitionLevel;
            dead.Pointer[next] = level;
            ((int*)positions.Pointer)[next++] = position;
        }
    }

    private static int CountElements(Column column, Entries parent)
    {
        var offsets = column.Offsets;
        var count = 0L;
        for (var i = 0; i < parent.Count; i++)
        {
            var position = parent.PositionAt(i);
            count += parent.LevelAt(i) == Alive && !column.IsNull(position) ? Math.Max(1, offsets[position + 1] - offsets[position]) : 1;
        }
        return count <= BufferPool.MaxCapacity / sizeof(int) ? (int)count : throw new NebulaException(ErrorKind.Limit,
            $"The lists of {column.Length} rows have {count} elements in all, more than one row group can hold. Lower row_group_size.");
    }

    private void ShredLeaf(WriteNode node, Column column, Entries parent, Action<LeafEntries> take)
    {
        using var scope = new BufferScope();
        var leaf = node.Leaf!;
        var levels = scope.Add(pool.Rent(parent.Count));
        var positions = scope.Add(pool.Rent(checked(parent.Count * sizeof(int))));
        var nullLevel = (byte)parent.Level;
        var hasNulls = column.NullCount > 0;
        var values = 0;
        for (var i = 0; i < parent.Count; i++)
        {
            var level = parent.LevelAt(i);
            if (level == Alive)
            {
                var position = parent.PositionAt(i);
                if (hasNulls && column.IsNull(position))
                    level = leaf.IsNullable ? nullLevel : throw NullRefused(leaf.Name, position);
                else
                {
                    level = (byte)leaf.MaxDefinitionLevel;
                    ((int*)positions.Pointer)[values++] = position;
                }
            }
            levels.Pointer[i] = level;
        }
        take(new LeafEntries(leaf, column, parent.Rows)
        {
            Count = parent.Count,
            ValueCount = values,
            RepetitionLevels = parent.Repetition,
            DefinitionLevels = levels,
            Positions = positions,
            RowStarts = parent.RowStarts,
        });
    }

    private static int FirstNull(Column column)
    {
        var i = 0;
        while (!column.IsNull(i))
            i++;
        return i;
    }

    private static NebulaException NullRefused(WriteNode node, int position) => NullRefused(node.Leaf?.Name ?? $"of type {node.Type}", position);

    private static NebulaException NullRefused(string name, int position) => new(ErrorKind.Schema,
        $"The column \"{name}\" is declared not null, but has a null (value {position} of its row group). Declare it nullable, or mend the data.");

    /// <summary>The entries of a node that is not a leaf. Buffers belong to whoever made them.</summary>
    /// <param name="Count">Number of entries.</param>
    private sealed record Entries(int Count)
    {
        /// <summary>Number of rows.</summary>
        public int Rows { get; init; } = Count;

        /// <summary>Definition level of entries that are there.</summary>
        public int Level { get; init; }

        /// <summary>Number of lists around.</summary>
        public int Depth { get; init; }

        /// <summary>Repetition level of each entry; null outside of lists.</summary>
        public PooledBuffer? Repetition { get; init; }

        /// <summary>Final definition level of entries that end above, <see cref="Alive"/> for the others; null when all are there.</summary>
        public PooledBuffer? Dead { get; init; }

        /// <summary>Position in the node's column; null when it is the entry's own.</summary>
        public PooledBuffer? Positions { get; init; }

        /// <summary>First entry of each row, and the number of entries.</summary>
        public PooledBuffer? RowStarts { get; init; }

        public byte LevelAt(int i) => Dead is null ? Alive : Dead.Pointer[i];

        public int PositionAt(int i) => Positions is null ? i : ((int*)Positions.Pointer)[i];

        public byte RepetitionAt(int i) => Repetition is null ? (byte)0 : Repetition.Pointer[i];
    }
}
