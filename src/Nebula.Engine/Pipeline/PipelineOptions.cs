using Nebula.Engine.Storage;
using Nebula.Engine.Verification;

namespace Nebula.Engine.Pipeline;

/// <summary>How much of the machine a run may use.</summary>
public sealed record PipelineOptions
{
    /// <summary>Bytes of a memory limit that the runtime and the program take.</summary>
    public const long RuntimeShare = 64L << 20;

    private const int LargestBlock = 1 << 20;
    private const int SmallestBlock = 64 << 10;
    private const long UnlimitedWindow = 256L << 20;
    private const int SmallestGroup = 256 << 10;
    private const int LeastBatch = 4 << 10;
    private const int UsualRow = 128;

    // raw bytes become columns, then encoded bytes: what one block needs while it is under way, in multiples of its size
    private const int GrowthOfBlock = 5;

    /// <summary>Threads that decode and encode.</summary>
    /// <value>One per processor.</value>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Memory that the process should stay within, in bytes; null for no limit beyond what the pipeline needs anyway.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Most rows that are written; null for all.</summary>
    public long? RowLimit { get; init; }

    /// <summary>What is recorded, to prove later that what lies at the destination is what was read.</summary>
    /// <value>The number of rows.</value>
    public VerifyMode Verify { get; init; } = VerifyMode.Count;

    /// <summary>How records are held between decoding and encoding.</summary>
    /// <value>As rows up to 10,000 records, as columns beyond.</value>
    public StorageMode Storage { get; init; } = StorageMode.Auto;

    /// <summary>What happens with rows that cannot be read.</summary>
    public BadRowOptions BadRows { get; init; } = new();

    /// <summary>Whether what arrives is handed on at once instead of in full blocks.</summary>
    public bool PreferLatency { get; init; }

    /// <summary>
    /// Blocks that may be under way between fetching and writing: one for each worker, one that is fetched and one that is written; and as many again and a few
    /// that wait before and behind the workers, where a quarter of the window has room for them. Who writes takes blocks in their order: without those that
    /// wait, a worker that loses its processor for a moment stops all the others.
    /// </summary>
    public int BlocksUnderWay => (int)Math.Clamp(WindowBytes / 4 / CostOf(LargestBlock), Workers + 2, 2 * (Workers + 3));

    /// <summary>
    /// Bytes that may be under way between fetching and writing. Blocks of text stay far below; it is the parts of binary files that are larger.
    /// </summary>
    public long WindowBytes => MemoryLimit is null ? UnlimitedWindow : Math.Clamp(Budget, 1 << 20, UnlimitedWindow);

    /// <summary>Encoded bytes that may wait to be written.</summary>
    public long OutputBytes => WindowBytes / 4;

    /// <summary>About how many rows a block should have; null when its bytes decide. Blocks are cut by bytes, and rows are taken for 128 bytes each.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Bytes that a block should have.</summary>
    public int BlockSize
    {
        get
        {
            var fitting = Math.Clamp(WindowBytes / GrowthOfBlock / BlocksUnderWay, SmallestBlock, LargestBlock);
            return (int)(BatchSize is { } rows ? Math.Clamp((long)rows * UsualRow, LeastBatch, fitting) : fitting);
        }
    }

    /// <summary>
    /// Most bytes that rows encoded together may have: one such group is gathered, each worker holds one twice (columns and encoded), one waits to be written.
    /// </summary>
    public long LargestGroup => MemoryLimit is null
        ? long.MaxValue : Math.Max((Budget - Math.Min((long)BlockSize * GrowthOfBlock * BlocksUnderWay, Budget / 2)) / (2 * Workers + 2), SmallestGroup);

    /// <summary>Most bytes that one record may have: it is held several times over on its way.</summary>
    public int MaxRecordSize => (int)Math.Clamp((MemoryLimit ?? 1L << 30) / 3, 1 << 20, 1 << 30);

    /// <summary>What may be planned of a memory limit: the rest is the runtime's, and slack of buffers.</summary>
    private long Budget => (MemoryLimit!.Value - RuntimeShare) / 2;

    /// <summary>What each of several pipelines at once may count on: the runtime itself is there only once.</summary>
    /// <param name="memory">Bytes for the process; null for no limit.</param>
    /// <param name="pipelines">Number of them.</param>
    public static long? ShareOf(long? memory, int pipelines) =>
        memory is { } limit ? RuntimeShare + Math.Max(0, limit - RuntimeShare) / Math.Max(1, pipelines) : null;

    /// <summary>What a block of a size needs while it is under way.</summary>
    /// <param name="blockBytes">Its size when fetched.</param>
    public static long CostOf(int blockBytes) => (long)blockBytes * GrowthOfBlock;
}

/// <summary>What happens with rows that cannot be read.</summary>
public sealed record BadRowOptions
{
    /// <summary>The policy.</summary>
    public Connectors.BadRowPolicy Policy { get; init; } = Connectors.BadRowPolicy.Fail;

    /// <summary>Most rows that may be bad before the run ends; null for any number.</summary>
    public long? Max { get; init; }

    /// <summary>Takes rows under <see cref="Connectors.BadRowPolicy.Quarantine"/>, their places complete.</summary>
    public Action<Connectors.RejectedRow>? Quarantine { get; init; }
}
