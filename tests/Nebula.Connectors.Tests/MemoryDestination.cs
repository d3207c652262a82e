using System.Globalization;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests;

/// <summary>Keeps types and shows rows as text. A run's rows are seen only when it was committed.</summary>
internal sealed class MemoryDestination : IDestination
{
    private readonly List<string> _staged = [];

    /// <summary>The committed rows: values separated by <c>|</c>, null as <c>∅</c>.</summary>
    public List<string> Rows { get; } = [];

    public int Commits { get; private set; }

    public int Aborts { get; private set; }

    /// <summary>How many rows the writer wants at once.</summary>
    public RowTarget? Target { get; init; }

    /// <summary>Rows of each block written.</summary>
    public List<int> Blocks { get; } = [];

    /// <summary>Called for each batch that is encoded.</summary>
    public Action<RecordBatch>? Encoding { get; set; }

    /// <summary>Called before each block is written.</summary>
    public Action? Writing { get; set; }

    public DestinationCapabilities Capabilities { get; init; } = new();

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<CheckResult>>([]);

    public Task<Checkpoint?> PrepareAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        _staged.Clear();
        return Task.FromResult<Checkpoint?>(null);
    }

    public Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken) =>
        Task.FromResult<IDestinationWriter>(new Writer(this, context.Pool));

    public Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        Commits++;
        Rows.AddRange(_staged);
        return Task.FromResult(new CommitReceipt(["memory"]));
    }

    public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        Aborts++;
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => default;

    private static string Show(Column column, int row)
    {
        if (column.IsNull(row))
            return "∅";
        return column.Type.Kind switch
        {
            TypeKind.Bool => Bitmap.Get(column.Bits, row) ? "true" : "false",
            TypeKind.Int64 or TypeKind.Time or TypeKind.Timestamp => column.Values<long>()[row].ToString(CultureInfo.InvariantCulture),
            TypeKind.Date => DateTime.UnixEpoch.AddDays(column.Values<int>()[row]).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            TypeKind.Float64 => column.Values<double>()[row].ToString("R", CultureInfo.InvariantCulture),
            TypeKind.Decimal => (column.Type.ByteWidth == 8 ? column.Values<long>()[row] : column.Values<Int128>()[row])
                .ToString(CultureInfo.InvariantCulture) + "e-" + column.Type.Scale,
            TypeKind.String => System.Text.Encoding.UTF8.GetString(column.GetBytes(row)),
            _ => throw new NotSupportedException(column.Type.ToString()),
        };
    }

    private sealed class Writer(MemoryDestination owner, BufferPool pool) : IDestinationWriter
    {
        private long _rows;

        public RowTarget? Target => owner.Target;

        public EncodedBlock Encode(RecordBatch batch)
        {
            owner.Encoding?.Invoke(batch);
            var text = new StringBuilder();
            for (var row = 0; row < batch.Length; row++)
                text.AppendJoin('|', batch.Columns.Select(column => Show(column, row))).Append('\u001e');
            var bytes = System.Text.Encoding.UTF8.GetBytes(text.ToString());
            var buffer = pool.Rent(bytes.Length);
            bytes.CopyTo(buffer.Span);
            buffer.Length = bytes.Length;
            return new EncodedBlock(buffer, batch.Length);
        }

        public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
        {
            owner.Writing?.Invoke();
            owner.Blocks.Add(block.Rows);
            cancellationToken.ThrowIfCancellationRequested();
            owner._staged.AddRange(System.Text.Encoding.UTF8.GetString(block.Buffer.Content).Split('\u001e')[..^1]);
            _rows += block.Rows;
            return default;
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

        public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken) => Task.FromResult(new StagedPart(0, "memory", _rows, 0));

        public ValueTask DisposeAsync() => default;
    }
}
