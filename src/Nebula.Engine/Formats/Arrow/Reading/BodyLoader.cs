using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>Fetches the buffers of whole batches.</summary>
/// <param name="file">The file.</param>
/// <param name="isBigEndian">Whether values have their most significant byte first.</param>
/// <param name="pool">Where memory comes from.</param>
internal sealed class BodyLoader(IRandomAccess file, bool isBigEndian, BufferPool pool)
{
    // One request for two ranges and what is between them costs less than two.
    private const int LargestGap = 64 << 10;
    private const int Alignment = BufferPool.Alignment;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Reads bytes of the file.</summary>
    /// <param name="offset">Where they start.</param>
    /// <param name="target">Is filled whole.</param>
    public void Read(long offset, Span<byte> target)
    {
        if (target.IsEmpty)
            return;
        file.Read(offset, target);
        BytesRead += target.Length;
    }

    /// <summary>Bytes of the buffers that columns need.</summary>
    /// <param name="body">The batch.</param>
    /// <param name="columns">The columns.</param>
    public static long SizeOf(BatchBody body, IEnumerable<ColumnPlan> columns)
    {
        var size = 0L;
        foreach (var (_, _, index) in columns.SelectMany(column => BuffersOf(body, column)))
            size += body.Header.Buffers[index].Length;
        return size;
    }

    /// <summary>The buffers that a column and those inside it need: which of a column's, and which of the batch's it is.</summary>
    public static IEnumerable<(ColumnPlan Column, int Which, int Index)> BuffersOf(BatchBody body, ColumnPlan column)
    {
        var count = column.BufferCount + (column.HasViews ? body.DataBuffersOf(column) : 0);
        var first = HasUnneededValidity(body, column) ? 1 : 0;
        for (var i = first; i < count; i++)
            if (body.Header.Buffers[body.IndexOf(column, i)].Length > 0)
                yield return (column, i, body.IndexOf(column, i));
        foreach (var child in column.Children)
            foreach (var buffer in BuffersOf(body, child))
                yield return buffer;
    }

    /// <summary>Fetches all that columns need.</summary>
    /// <param name="body">The batch; takes the buffers' places.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="position">Where the body begins in the file.</param>
    /// <returns>The memory of the buffers, which the caller disposes of.</returns>
    /// <exception cref="ArrowFault">They are too large.</exception>
    public PooledBuffer LoadWhole(BatchBody body, IEnumerable<ColumnPlan> columns, long position)
    {
        var wanted = columns.SelectMany(column => BuffersOf(body, column)).OrderBy(buffer => body.Header.Buffers[buffer.Index].Offset).ToArray();
        var runs = JoinRuns(body, wanted.Select(static buffer => buffer.Index));
        var total = runs.Sum(static run => run.End - run.Start + 2L * Alignment);
        if (total > BufferPool.MaxCapacity - BatchBody.Slack)
            throw new ArrowFault($"the columns wanted have {Units.FormatSize(total)} in one compressed batch, more than can be held at once",
                advice: "Have the file written with smaller batches, or leave columns out.");
        var memory = pool.Rent((int)total + BatchBody.Slack);
        try
        {
            var at = 0;
            var next = 0;
            foreach (var run in runs)
            {
                // Buffers are aligned in memory as they are in the body.
                at = Align(at) + (int)(run.Start & (Alignment - 1));
                Read(position + run.Start, memory.Span.Slice(at, (int)(run.End - run.Start)));
                for (; next < wanted.Length && body.Header.Buffers[wanted[next].Index].Offset < run.End; next++)
                {
                    var (column, which, index) = wanted[next];
                    var range = body.Header.Buffers[index];
                    body.SetPart(index, memory, at + (int)(range.Offset - run.Start), 0, range.Length);
                    if (isBigEndian && body.Header.Codec == Metadata.BodyCodec.None)
                        ByteOrder.Reverse(column, which, body.Loaded(index));
                }
                at += (int)(run.End - run.Start);
            }
            memory.Length = at;
            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Reads the length in front of a message's metadata.</summary>
    /// <param name="offset">Where the message begins.</param>
    /// <param name="end">Where the messages end at the latest.</param>
    /// <param name="prefix">Bytes of the length itself: 8, or 4 before Arrow 0.15.</param>
    /// <returns>Bytes of the metadata; 0 at the end of the messages.</returns>
    /// <exception cref="ArrowFault">There is no such message.</exception>
    public int ReadMetadataLength(long offset, long end, out int prefix)
    {
        prefix = 0;
        if (offset >= end)
            return 0;
        Span<byte> bytes = stackalloc byte[2 * sizeof(int)];
        var available = (int)Math.Min(end - offset, bytes.Length);
        Read(offset, bytes[..available]);
        if (available < sizeof(int))
            throw new ArrowFault("the file ends within the length of a message", 0);
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        prefix = sizeof(int);
        if (length == -1)
        {
            if (available < 2 * sizeof(int))
                throw new ArrowFault("the file ends within the length of a message", 0);
            length = BinaryPrimitives.ReadInt32LittleEndian(bytes[sizeof(int)..]);
            prefix = 2 * sizeof(int);
        }
        if (length < 0 || length > end - offset - prefix)
            throw new ArrowFault($"a message has {(uint)length} bytes of metadata, but {end - offset - prefix} are left", 0);
        return length;
    }

    /// <summary>Reads the metadata of a message.</summary>
    /// <param name="offset">Where it begins, behind its length.</param>
    /// <param name="length">Number of bytes.</param>
    public Metadata.ArrowMessage ReadMessage(long offset, int length)
    {
        using var metadata = pool.Rent(length);
        Read(offset, metadata.Span[..length]);
        return Metadata.ArrowMessage.Read(metadata.Span[..length]);
    }

    private static bool HasUnneededValidity(BatchBody body, ColumnPlan column) =>
        body.NodeOf(column).NullCount == 0 && column.BufferCount > 0 && !(column.Values is null && column.Declared.Id == Metadata.ArrowTypeId.Union);

    private static List<(long Start, long End)> JoinRuns(BatchBody body, IEnumerable<int> indices)
    {
        var runs = new List<(long Start, long End)>();
        foreach (var index in indices)
        {
            var range = body.Header.Buffers[index];
            if (runs.Count > 0 && range.Offset - runs[^1].End <= LargestGap)
                runs[^1] = (runs[^1].Start, Math.Max(runs[^1].End, range.Offset + range.Length));
            else
                runs.Add((range.Offset, range.Offset + range.Length));
        }
        return runs;
    }

    private static int Align(int offset) => offset + Alignment - 1 & -Alignment;
}
