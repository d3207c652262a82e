using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Pipeline;

/// <summary>
/// Decides, in the order of the source, what becomes of errors and bad rows, and completes their places: decoders count lines from the start of their block.
/// </summary>
/// <param name="options">What is to become of bad rows.</param>
/// <param name="metrics">Counts them.</param>
/// <param name="reader">Reads the chunk.</param>
internal sealed class BadRowHandler(BadRowOptions options, PipelineMetrics metrics, ISourceReader reader)
{
    private int _file = -1;
    private string? _name;
    private long _linesBefore;
    private long? _linesBeforeChunk;
    private long _bad;

    /// <summary>Takes the next block.</summary>
    /// <exception cref="NebulaException">The block has an error, or a bad row that ends the run.</exception>
    public void Handle(BlockWork work)
    {
        if (work.Position.FileIndex != _file && work.Position.Name is not null)
        {
            _file = work.Position.FileIndex;
            _name = work.Position.Name;
            _linesBefore = 0;
        }
        var errorLine = (work.Error as NebulaException)?.Location?.Line ?? long.MaxValue;
        // decoders find wrong records before wrong values
        foreach (var row in work.Rejected.OrderBy(static row => row.Location.ByteOffset))
            if (row.Location.Line <= errorLine)
                Handle(row with { Location = Complete(row.Location) });
        if (work.Error is { } error)
            throw Complete(error);
        _linesBefore += work.LineCount;
    }

    private void Handle(RejectedRow row)
    {
        if (options.Policy == BadRowPolicy.Fail)
            throw new DataFormatException(
                $"{row.Reason.TrimEnd('.')}. The row: {DataFormatException.Show(row.Raw.Span, 120)}. To go on without such rows set 'on_error.bad_rows' (or "
                    + "--bad-rows) to skip or quarantine.", row.Location);
        if (++_bad > options.Max)
            throw new DataFormatException($"{row.Reason.TrimEnd('.')}. This is bad row number {_bad}; {options.Max} are allowed (max_bad_rows).", row.Location);
        if (options.Policy == BadRowPolicy.Skip)
            metrics.Skipped(1);
        else
        {
            options.Quarantine?.Invoke(row);
            metrics.Quarantined();
        }
    }

    private Exception Complete(Exception error) => error switch
    {
        DataFormatException { Location: { } at } data => new DataFormatException(data.Reason, Complete(at), data),
        SchemaContradictionException { Location: { } at } schema => new SchemaContradictionException(schema.Reason, Complete(at)),
        _ => error,
    };

    // an error in front of the first block of a file comes before the file is known here
    private SourceLocation Complete(SourceLocation location) => location.Line > 0 && location.Name == _name
        ? location with { Line = location.Line + _linesBefore + LinesBeforeChunk() } : location;

    private long LinesBeforeChunk() => _file == 0 ? _linesBeforeChunk ??= reader.CountLinesBefore() : 0;
}
