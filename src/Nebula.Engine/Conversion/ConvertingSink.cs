using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Conversion;

/// <summary>Converts batches on their way to another sink.</summary>
/// <param name="converter">Converts them.</param>
/// <param name="sink">Takes what comes out, and the rows that could not be converted.</param>
/// <param name="position">Where the block of the rows starts.</param>
internal sealed class ConvertingSink(BatchConverter converter, IDecodeSink sink, SourcePosition position) : IDecodeSink
{
    public void Add(RecordBatch batch)
    {
        var converted = converter.Convert(batch, sink, position);
        if (converted.Length > 0)
            sink.Add(converted);
        else
            converted.Dispose();
    }

    public void Reject(RejectedRow row) => sink.Reject(row);

    public void Lines(long count) => sink.Lines(count);
}
