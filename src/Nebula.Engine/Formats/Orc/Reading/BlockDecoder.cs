using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Turns blocks into batches. Thread-safe: every block is decoded by readers of its own.</summary>
/// <param name="schema">The columns wanted.</param>
/// <param name="types">The same in the file.</param>
/// <param name="rootIsStruct">Whether columns are the children of the root, and not the root itself.</param>
/// <param name="settings">What all readers share.</param>
internal sealed class BlockDecoder(Schema schema, ImmutableArray<OrcType> types, bool rootIsStruct, ReadSettings settings)
{
    // What the columns of a batch should have at most: more would leave the caches on its way to the encoder.
    private const int TargetBatchBytes = 8 << 20;

    // The first batch of a block shows how large its rows are.
    private const int FirstRows = 4096;
    private readonly bool _rowsVary = schema.Fields.Any(static field => field.Type.IsNested || field.Type.IsVariableBinary);

    /// <summary>Decodes a block.</summary>
    /// <param name="block">What it holds.</param>
    /// <param name="buffer">Its bytes.</param>
    /// <param name="sink">Takes the batches.</param>
    public void Decode(StripeBlock block, PooledBuffer buffer, IDecodeSink sink)
    {
        var emitted = 0L;
        var mostRows = IContainerReader.BatchRows;
        while (emitted < block.Rows)
            try
            {
                Decode(block, buffer, sink, ref emitted, mostRows);
            }
            catch (BatchTooLargeException)
            {
                // rows grew suddenly; what was passed on already is read again and dropped
                mostRows = Math.Max(mostRows / 16, 1);
            }
    }

    private void Decode(StripeBlock block, PooledBuffer buffer, IDecodeSink sink, ref long emitted, int mostRows)
    {
        using var streams = new BlockStreams(block, buffer, settings);
        var root = rootIsStruct ? streams.OpenBooleans(0, StreamKind.Present) : null;
        var readers = new ColumnReader[types.Length];
        for (var i = 0; i < readers.Length; i++)
            readers[i] = ColumnReaders.Create(streams, types[i], schema.Fields[i].Type, schema.Fields[i].Name);
        var rows = _rowsVary ? Math.Min(FirstRows, mostRows) : mostRows;
        for (var done = 0L; done < block.Rows;)
        {
            var left = (done < emitted ? emitted : block.Rows) - done;
            streams.BatchRows = (int)Math.Min(rows, left);
            var batch = ReadBatch(readers, root, streams.BatchRows);
            var bytes = batch.BufferBytes;
            done += batch.Length;
            if (done <= emitted)
                batch.Dispose();
            else
            {
                emitted = done;
                sink.Add(batch);
            }
            if (_rowsVary)
                rows = (int)Math.Clamp(TargetBatchBytes * (long)streams.BatchRows / Math.Max(bytes, 1), 1, mostRows);
        }
        root?.VerifyEnd();
        foreach (var reader in readers)
            reader.VerifyEnd();
    }

    private RecordBatch ReadBatch(ColumnReader[] readers, BooleanReader? root, int rows)
    {
        using var scope = new BufferScope();
        var mask = RowMask.All(rows);
        if (root is not null)
        {
            var present = scope.Add(settings.Pool.Rent(Bitmap.ByteCount(rows)));
            root.Read(present.Span, rows);
            mask = new RowMask(present.Span, Bitmap.CountSet(present.Span, rows));
        }
        var columns = ImmutableArray.CreateBuilder<Column>(readers.Length);
        using var owned = new BufferScope();
        foreach (var reader in readers)
            columns.Add(owned.Add(reader.Read(rows, mask)));
        owned.Release();
        return new RecordBatch(schema, columns.MoveToImmutable(), rows);
    }
}
