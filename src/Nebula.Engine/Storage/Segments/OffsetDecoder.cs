using Nebula.Engine.Columns;
using Nebula.Engine.Storage.Packing;

namespace Nebula.Engine.Storage.Segments;

/// <summary>Turns packed lengths back into offsets.</summary>
internal static class OffsetDecoder
{
    /// <summary>Decodes the offsets that start at 0.</summary>
    /// <param name="pool">Where the buffer comes from.</param>
    /// <param name="lengths">The lengths between them.</param>
    public static PooledBuffer Decode(BufferPool pool, PackedIntegers lengths)
    {
        using var scope = new BufferScope();
        var buffer = scope.Add(pool.Rent(checked((lengths.Count + 1) * sizeof(int))));
        var offsets = buffer.As<int>()[..(lengths.Count + 1)];
        Span<long> piece = stackalloc long[PackedIntegerReader.PieceLength];
        var reader = lengths.Read();
        var end = 0;
        offsets[0] = 0;
        for (var done = 0; done < lengths.Count; done += piece.Length)
        {
            var count = Math.Min(piece.Length, lengths.Count - done);
            reader.Next(piece[..BitPacking.RoundUp(count)]);
            var target = offsets.Slice(done + 1, count);
            for (var i = 0; i < target.Length; i++)
                target[i] = end += (int)piece[i];
        }
        scope.Release();
        return buffer;
    }
}
