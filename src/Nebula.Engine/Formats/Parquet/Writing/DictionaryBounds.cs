namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Bounds of the values of a page that are positions in a dictionary of byte strings: each entry is compared once, however often it occurs.</summary>
internal static unsafe class DictionaryBounds
{
    /// <summary>Finds the bounds of a page.</summary>
    /// <param name="workspace">Holds the entries, each behind its length, and lends working memory.</param>
    /// <param name="ids">Positions.</param>
    /// <param name="count">How many, at least one.</param>
    /// <param name="entryCount">Number of entries.</param>
    /// <param name="kind">What values are.</param>
    public static ValueBounds Of(WriteWorkspace workspace, ushort* ids, int count, int entryCount, ByteArrayKind kind)
    {
        var scratch = workspace.Scratch;
        scratch.Truncate(0);
        var used = scratch.Reserve(entryCount);
        new Span<byte>(used, entryCount).Clear();
        for (var i = 0; i < count; i++)
            used[ids[i]] = 1;
        var entries = workspace.Dictionary.Content;
        ReadOnlySpan<byte> min = default, max = default;
        var isFirst = true;
        for (var (id, at) = (0, 0); id < entryCount; id++)
        {
            var length = BitConverter.ToInt32(entries[at..]);
            var entry = entries.Slice(at + sizeof(int), length);
            at += sizeof(int) + length;
            if (used[id] == 0)
                continue;
            if (isFirst || ByteArrayOrder.Compare(entry, min, kind) < 0)
                min = entry;
            if (isFirst || ByteArrayOrder.Compare(entry, max, kind) > 0)
                max = entry;
            isFirst = false;
        }
        return ByteArrayOrder.BoundsOf(min, max, kind == ByteArrayKind.Text);
    }
}
