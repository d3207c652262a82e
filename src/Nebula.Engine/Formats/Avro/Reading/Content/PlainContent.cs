using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Avro.Reading.Content;

/// <summary>Blocks that are not compressed: decoded where they lie.</summary>
internal sealed unsafe class PlainContent(int maxRecordSize, BufferPool pool) : WindowContent(maxRecordSize, 0, pool)
{
    /// <inheritdoc/>
    public override void Open(AvroInput data)
    {
        if (!data.IsComplete)
        {
            base.Open(data);
            return;
        }
        At = data.At;
        End = data.End;
        Complete();
    }

    /// <inheritdoc/>
    protected override byte* Produce(byte* to, byte* limit)
    {
        var input = Input!;
        if (input.At == input.End && !input.Fetch())
        {
            Complete();
            return to;
        }
        var count = Math.Min(input.End - input.At, limit - to);
        Buffer.MemoryCopy(input.At, to, count, count);
        input.At += count;
        if (input.At == input.End && input.IsComplete)
            Complete();
        return to + count;
    }
}
