using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;

namespace Nebula.Engine.Tests.Pipeline;

/// <summary>Blocks of a few bytes that decode to far more: what comes out of them must not pile up.</summary>
public sealed class ChunkPipelineTests
{
    private const int Blocks = 12;
    private const int Batches = 40;
    private const int RowsPerBatch = 8192;
    private const int BatchBytes = RowsPerBatch * sizeof(long);
    private const long Memory = 100 << 20;
    private static readonly Schema Schema = new([new Field("n", DataType.Int64, false)]);

    public static TheoryData<int, bool> Ways => new()
    {
        { 1, false },
        { 1, true },
        { 2, false },
        { 3, true },
        { 4, false },
        { 4, true },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Run_SmallBlocksOfManyRows_KeepsOrderAndBoundsWhatWaits(int workers, bool gathers)
    {
        using var pool = new BufferPool();
        var options = Options(workers) with { MemoryLimit = Memory };
        var output = new NumberWriter(pool, gathers);
        await RunAsync(new NumberReader(pool), output, options, pool);
        Assert.Equal((long)Blocks * Batches * RowsPerBatch, output.Next);
        Assert.Equal(0, pool.Outstanding);
        // a batch in hand and one encoded for each worker, and groups where rows are gathered
        var inHand = (workers + 1) * (gathers ? 2 * options.LargestGroup + 4 * BatchBytes : 4 * BatchBytes);
        Assert.InRange(pool.PeakBytes, BatchBytes, options.OutputBytes + inHand);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Run_WriterFailsWhileOthersWaitForRoom_ReturnsEveryBuffer(int workers, bool gathers)
    {
        using var pool = new BufferPool();
        var output = new NumberWriter(pool, gathers) { FailsAt = 3 };
        await Assert.ThrowsAsync<IOException>(() => RunAsync(new NumberReader(pool), output, Options(workers) with { MemoryLimit = Memory }, pool));
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Run_Cancelled_ReturnsEveryBuffer(int workers, bool gathers)
    {
        using var pool = new BufferPool();
        using var stop = new CancellationTokenSource();
        var output = new NumberWriter(pool, gathers) { OnWrite = stop.Cancel };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => RunAsync(new NumberReader(pool), output, Options(workers) with { MemoryLimit = Memory }, pool, stop.Token));
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(RowsPerBatch * 3 + 17)]
    [InlineData(Batches * RowsPerBatch + 1)]
    public async Task Run_RowLimitWithinABlock_WritesJustThoseRows(int limit)
    {
        using var pool = new BufferPool();
        var output = new NumberWriter(pool, gathers: false);
        await RunAsync(new NumberReader(pool), output, Options(2) with { MemoryLimit = Memory, RowLimit = limit }, pool);
        Assert.Equal(limit, output.Next);
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_BlockFailsBehindItsFirstRows_ReportsItAndReturnsEveryBuffer(bool gathers)
    {
        using var pool = new BufferPool();
        var output = new NumberWriter(pool, gathers);
        var reader = new NumberReader(pool) { FailsIn = 5 };
        await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(reader, output, Options(3) with { MemoryLimit = Memory }, pool));
        Assert.InRange(output.Next, 0, 6L * Batches * RowsPerBatch);
        Assert.Equal(0, pool.Outstanding);
    }

    private static PipelineOptions Options(int workers) => new() { Workers = workers, Storage = StorageMode.Columnar };

    private static async Task RunAsync(NumberReader reader, NumberWriter writer, PipelineOptions options, BufferPool pool, CancellationToken stop = default)
    {
        var pipeline = new ChunkPipeline(reader, writer, options, pool, new PipelineMetrics());
        await pipeline.RunAsync(stop);
    }

    /// <summary>Blocks that hold nothing but their number, and decode to consecutive numbers.</summary>
    private sealed class NumberReader(BufferPool pool) : ISourceReader
    {
        private int _next;

        public int FailsIn { get; init; } = -1;

        public long? TotalBytes => null;

        public long BytesRead => 0;

        public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken)
        {
            if (_next == Blocks)
                return default;
            var buffer = pool.Rent(sizeof(int));
            BinaryPrimitives.WriteInt32LittleEndian(buffer.Span, _next++);
            buffer.Length = sizeof(int);
            return new(new RawBlock(buffer, new SourcePosition("numbers", 0)));
        }

        public void Decode(RawBlock block, IDecodeSink sink)
        {
            var number = BinaryPrimitives.ReadInt32LittleEndian(block.Buffer.Span);
            for (var batch = 0; batch < Batches; batch++)
            {
                if (number == FailsIn && batch == Batches / 2)
                    throw new InvalidDataException("half of the block is missing");
                using var builder = new RecordBatchBuilder(pool, Schema);
                for (var row = 0; row < RowsPerBatch; row++)
                    builder.Columns[0].Append(((long)number * Batches + batch) * RowsPerBatch + row);
                builder.Length = RowsPerBatch;
                sink.Add(builder.Build());
            }
        }

        public ValueTask DisposeAsync() => default;
    }

    /// <summary>Takes numbers and sees that none is missing, twice there or out of order.</summary>
    private sealed class NumberWriter(BufferPool pool, bool gathers) : IDestinationWriter
    {
        private int _blocks;

        public long Next { get; private set; }

        public int FailsAt { get; init; } = -1;

        public Action? OnWrite { get; init; }

        public RowTarget? Target => gathers ? new RowTarget(3 * RowsPerBatch + 5, long.MaxValue) : null;

        public EncodedBlock Encode(RecordBatch batch)
        {
            var numbers = MemoryMarshal.AsBytes(batch.Columns[0].Values<long>());
            var buffer = pool.Rent(numbers.Length);
            numbers.CopyTo(buffer.Span);
            buffer.Length = numbers.Length;
            return new EncodedBlock(buffer, batch.Length);
        }

        public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
        {
            if (_blocks++ == FailsAt)
                throw new IOException("the disk is full");
            foreach (var number in block.Buffer.As<long>()[..block.Rows])
                if (number != Next++)
                    throw new InvalidDataException($"{number} where {Next - 1} should be");
            OnWrite?.Invoke();
            return default;
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

        public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken) => Task.FromResult(new StagedPart(0, "", Next, 0));

        public ValueTask DisposeAsync() => default;
    }
}
