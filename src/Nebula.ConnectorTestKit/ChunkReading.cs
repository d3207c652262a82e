using Nebula.Engine.Connectors;

namespace Nebula.ConnectorTestKit;

/// <summary>Reads chunks, in the ways in which a run may.</summary>
/// <param name="check">Lends the buffers, and takes what is found.</param>
/// <param name="blockSize">Bytes that a block should have.</param>
internal sealed class ChunkReading(Check check, int blockSize)
{
    private const int BlocksAtOnce = 8;

    /// <summary>Whether blocks are decoded on all processors, the last first; otherwise one after the other.</summary>
    public bool DecodesAtOnce { get; init; }

    /// <summary>Whether rows may be refused.</summary>
    public bool AllowsRejected { get; init; }

    public ReadContext Context => new(check.Pool, blockSize);

    /// <summary>Splits a stream.</summary>
    public async Task<List<Chunk>> SplitAsync(ISource source, StreamPlan plan, SplitRequest request)
    {
        var chunks = new List<Chunk>();
        await foreach (var chunk in source.SplitAsync(plan, request, check.CancellationToken).ConfigureAwait(false))
            chunks.Add(chunk);
        return chunks;
    }

    /// <summary>Reads all chunks of a stream, one after the other.</summary>
    public async Task<List<string?[]>> ReadAllAsync(ISource source, StreamPlan plan, SplitRequest request)
    {
        var rows = new List<string?[]>();
        foreach (var chunk in await SplitAsync(source, plan, request).ConfigureAwait(false))
            rows.AddRange(await ReadAsync(source, plan, chunk).ConfigureAwait(false));
        return rows;
    }

    /// <summary>Reads a chunk.</summary>
    public async Task<List<string?[]>> ReadAsync(ISource source, StreamPlan plan, Chunk chunk)
    {
        var rows = new List<string?[]>();
        var rejected = 0;
        var reader = await source.OpenAsync(plan, chunk, Context, check.CancellationToken).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var blocks = new List<RawBlock>();
            try
            {
                do
                {
                    DisposeAll(blocks);
                    while (blocks.Count < (DecodesAtOnce ? BlocksAtOnce : 1)
                        && await reader.FetchAsync(check.CancellationToken).ConfigureAwait(false) is { } block)
                        blocks.Add(block);
                    foreach (var sink in Decode(reader, plan, blocks))
                    {
                        rows.AddRange(sink.Rows);
                        rejected += sink.Rejected;
                    }
                }
                while (blocks.Count > 0);
            }
            finally
            {
                DisposeAll(blocks);
            }
            check.Require(reader.TotalBytes is not { } total || reader.BytesRead <= total, $"at most {reader.TotalBytes} bytes read, as the reader said before",
                $"{reader.BytesRead}");
        }
        check.Require(rejected == 0 || AllowsRejected, "no bad row in the data of a test", $"{rejected} rows rejected");
        return rows;
    }

    private RowSink[] Decode(ISourceReader reader, StreamPlan plan, List<RawBlock> blocks)
    {
        var sinks = blocks.Select(_ => new RowSink(plan, check)).ToArray();
        if (!DecodesAtOnce)
            for (var i = 0; i < sinks.Length; i++)
                reader.Decode(blocks[i], sinks[i]);
        else
            Task.WaitAll([.. Enumerable.Range(0, sinks.Length).Reverse().Select(i => Task.Run(() => reader.Decode(blocks[i], sinks[i])))]);
        return sinks;
    }

    private static void DisposeAll(List<RawBlock> blocks)
    {
        foreach (var block in blocks)
            block.Dispose();
        blocks.Clear();
    }
}
