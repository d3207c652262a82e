using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>Columns without a value.</summary>
internal static class NullColumns
{
    /// <summary>Makes a column of text or JSON in which every value is null.</summary>
    /// <param name="type">Its type, stored as offsets into bytes.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="pool">Where memory comes from.</param>
    public static Column Create(DataType type, int count, BufferPool pool)
    {
        var validity = count == 0 ? null : Zeros(Bitmap.ByteCount(count), pool);
        return new Column(type, count, count, validity, pool.Rent(0), Zeros(checked((count + 1) * sizeof(int)), pool));
    }

    /// <summary>A buffer of zeros.</summary>
    /// <param name="length">Number of bytes.</param>
    /// <param name="pool">Where it comes from.</param>
    public static PooledBuffer Zeros(int length, BufferPool pool)
    {
        var buffer = pool.Rent(length);
        buffer.Length = length;
        buffer.Content.Clear();
        return buffer;
    }

    /// <summary>Adds a buffer to a scope if there is one.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="buffer">The buffer.</param>
    /// <returns>The same.</returns>
    public static PooledBuffer? AddIfAny(this BufferScope scope, PooledBuffer? buffer) => buffer is null ? null : scope.Add(buffer);
}
