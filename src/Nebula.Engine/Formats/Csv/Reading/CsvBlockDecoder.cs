using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>
/// Decodes blocks of CSV. Holds what does not change between blocks; the work is done by sessions, one per thread, which are kept and used again.
/// </summary>
internal sealed class CsvBlockDecoder : IBlockDecoder
{
    private readonly ConcurrentBag<CsvDecodeSession> _idle = [];

    /// <exception cref="NebulaException">A column is not in the file or has a type that CSV cannot hold.</exception>
    public CsvBlockDecoder(StreamPlan plan, BufferPool pool)
    {
        Plan = plan;
        Pool = pool;
        Dialect = CsvDialect.FromDetails(plan.Stream.Details);
        var positions = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < Dialect.Columns.Length; i++)
            positions[Dialect.Columns[i]] = i;
        var fields = ImmutableArray.CreateBuilder<int>(plan.Columns.Length);
        foreach (var column in plan.Columns)
            fields.Add(positions.TryGetValue(column.SourceName, out var position) ? position : throw new NebulaException(ErrorKind.Schema,
                $"{plan.Stream.Name} has no column \"{column.SourceName}\".{Suggestion.For(column.SourceName, Dialect.Columns)}"));
        Fields = fields.MoveToImmutable();
        var forms = CsvValueForms.Of(Dialect);
        var isOurs = plan.Stream.Details.ContainsKey(CsvDialect.OursKey);
        Readers = [.. plan.Columns.Select(column =>
            CsvColumnReader.Create(column.Field.Type, !column.TypeIsFixed, plan.Lossy != LossyPolicy.Refuse, isOurs, forms) ?? throw new NebulaException(ErrorKind.Schema,
            $"Column \"{column.SourceName}\" cannot be read as {column.Field.Type}: CSV has no text for such values. Read it as string or json."))];
        NullMarkers = [.. Dialect.NullMarkers.Where(static marker => marker.Length > 0).Select(Encoding.UTF8.GetBytes)];
        EmptyIsNull = Dialect.NullMarkers.Contains("");
    }

    public StreamPlan Plan { get; }

    public BufferPool Pool { get; }

    public CsvDialect Dialect { get; }

    /// <summary>Position in the file of each planned column.</summary>
    public ImmutableArray<int> Fields { get; }

    public ImmutableArray<CsvColumnReader> Readers { get; }

    public byte[][] NullMarkers { get; }

    public bool EmptyIsNull { get; }

    public void Decode(RawBlock block, IDecodeSink sink)
    {
        if (!_idle.TryTake(out var session))
            session = new CsvDecodeSession(this);
        session.Decode(block, sink);
        _idle.Add(session);
    }
}
