using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.Files.Output;

/// <summary>Writes a chunk into staged files: a new one when the last has reached its size, and of their own for each partition.</summary>
/// <param name="encoding">Format and codec of all files.</param>
/// <param name="partitioner">Splits the rows; null for one partition.</param>
/// <param name="staging">Makes the staged files.</param>
/// <param name="fileSize">Bytes at which a file is complete; null for any.</param>
/// <param name="mostOpen">Most partitions.</param>
/// <param name="chunk">The chunk.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class PartsWriter(
    FileEncoding encoding, Partitioner? partitioner, PartsStaging staging, long? fileSize, int mostOpen, Chunk chunk, BufferPool pool) : IDestinationWriter
{
    private readonly Dictionary<string, OpenPart> _open = new(StringComparer.Ordinal);
    private readonly HashSet<string> _partitions = new(StringComparer.Ordinal);
    private readonly List<StagedFilePart> _complete = [];
    private bool _isHandedOver;
    private CancellationTokenRegistration _interruption;

    public RowTarget? Target => encoding.Target;

    public EncodedBlock Encode(RecordBatch batch)
    {
        if (partitioner is null)
            return encoding.Encode(batch);
        var pieces = new List<(string Partition, EncodedBlock Block)>();
        try
        {
            partitioner.Split(batch, (partition, rows) => pieces.Add((partition, encoding.Encode(rows))));
            return Join(pieces, batch.Length);
        }
        finally
        {
            foreach (var (_, block) in pieces)
                block.Dispose();
        }
    }

    public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_interruption == default)
            _interruption = cancellationToken.UnsafeRegister(static staging => ((PartsStaging)staging!).Interrupt(), staging);
        if (block.Metadata is not List<Piece> pieces)
        {
            Add("", block);
            return default;
        }
        foreach (var piece in pieces)
        {
            using var part = new EncodedBlock(block.Buffer.Slice(piece.Start, piece.Length), piece.Rows) { Metadata = piece.Metadata };
            Add(piece.Partition, part);
        }
        return default;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

    public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken)
    {
        // without rows there is a file without rows, which tells the columns
        if (partitioner is null && _complete.Count == 0 && _open.Count == 0)
            _ = PartOf("");
        foreach (var partition in _open.Keys.Order(StringComparer.Ordinal).ToList())
            Complete(partition);
        _isHandedOver = true;
        return Task.FromResult(new StagedPart(
            chunk.Index, StagedFilePart.Render(_complete),
            _complete.Sum(static part => part.Rows), _complete.Sum(static part => part.Bytes)));
    }

    public ValueTask DisposeAsync()
    {
        _interruption.Dispose();
        foreach (var part in _open.Values)
            part.File.Dispose();
        if (!_isHandedOver)
            foreach (var part in _complete)
                staging.Discard(part);
        encoding.Dispose();
        return default;
    }

    private void Add(string partition, EncodedBlock block)
    {
        var part = PartOf(partition);
        part.Add(block);
        if (part.Length >= fileSize)
            Complete(partition);
    }

    private FilePart PartOf(string partition)
    {
        if (_open.TryGetValue(partition, out var open))
            return open.File;
        if (_partitions.Add(partition) && _partitions.Count > mostOpen)
            throw Partitioner.TooMany(mostOpen);
        open = new OpenPart(encoding.Start(staging.Start(partition, out var name)), name);
        _open.Add(partition, open);
        return open.File;
    }

    private void Complete(string partition)
    {
        _open.Remove(partition, out var open);
        using var part = open!.File;
        part.Complete();
        _complete.Add(new StagedFilePart(part.Location, partition, part.Rows, part.Length, open.Name));
    }

    /// <summary>Puts the blocks of all partitions into one.</summary>
    private EncodedBlock Join(List<(string Partition, EncodedBlock Block)> blocks, int rows)
    {
        var pieces = new List<Piece>(blocks.Count);
        var buffer = pool.Rent(checked(blocks.Sum(static piece => piece.Block.Buffer.Length)));
        foreach (var (partition, block) in blocks)
        {
            pieces.Add(new Piece(partition, buffer.Length, block.Buffer.Length, block.Rows, block.Metadata));
            block.Buffer.Content.CopyTo(buffer.Span[buffer.Length..]);
            buffer.Length += block.Buffer.Length;
        }
        return new EncodedBlock(buffer, rows) { Metadata = pieces };
    }

    /// <summary>A file that is written, and its name where it has one already.</summary>
    private sealed record OpenPart(FilePart File, string Name);

    /// <summary>The rows of one partition in a block.</summary>
    private sealed record Piece(string Partition, int Start, int Length, int Rows, object? Metadata);
}
