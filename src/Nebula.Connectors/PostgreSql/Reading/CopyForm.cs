using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>In which form the server answers a <c>COPY</c>, and what reads it. One serves all connections.</summary>
/// <param name="decoder">Turns blocks of whole rows into columns.</param>
internal abstract class CopyForm(IBlockDecoder decoder)
{
    /// <summary>Chooses the form for a plan.</summary>
    /// <param name="plan">The columns.</param>
    /// <param name="context">Record size and pool.</param>
    public static CopyForm Of(StreamPlan plan, ReadContext context) =>
        TableDetails.IsPrinted(plan) ? new PrintedRows(plan, context) : new Binary(plan, context);

    /// <summary>Turns a block into rows.</summary>
    /// <param name="block">The block.</param>
    /// <param name="sink">Takes the rows.</param>
    public virtual void Decode(RawBlock block, IDecodeSink sink) => decoder.Decode(block, sink);

    /// <summary>Makes what cuts one answer.</summary>
    public abstract IRowCutter CreateCutter();

    /// <summary>Begins to read an answer.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="query">The question.</param>
    public abstract NpgsqlRawCopyStream Begin(NpgsqlConnection connection, string query);

    /// <summary>Begins to read an answer.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="query">The question.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public abstract Task<NpgsqlRawCopyStream> BeginAsync(NpgsqlConnection connection, string query, CancellationToken cancellationToken);

    private sealed class Binary(StreamPlan plan, ReadContext context) : CopyForm(new CopyDecoder(plan, context.Pool))
    {
        public override IRowCutter CreateCutter() => new TupleCutter(plan.Stream.Name, plan.Columns.Length, context.MaxRecordSize);

        public override NpgsqlRawCopyStream Begin(NpgsqlConnection connection, string query) => connection.BeginRawBinaryCopy(query);

        public override Task<NpgsqlRawCopyStream> BeginAsync(NpgsqlConnection connection, string query, CancellationToken cancellationToken) =>
            connection.BeginRawBinaryCopyAsync(query, cancellationToken);
    }
}
