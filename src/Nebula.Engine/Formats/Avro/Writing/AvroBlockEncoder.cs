using System.Security.Cryptography;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Avro.Reading;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Writing;

/// <summary>Turns batches into blocks of a container file.</summary>
internal sealed unsafe class AvroBlockEncoder : IBlockEncoder
{
    private readonly Schema _schema;
    private readonly AvroWriteOptions _options;
    private readonly BufferPool _pool;
    private readonly byte[] _header;
    private readonly byte[] _marker;
    private readonly int _cursors;

    /// <summary>Makes an encoder.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="pool">Where buffers come from.</param>
    public AvroBlockEncoder(Schema schema, AvroWriteOptions options, BufferPool pool)
    {
        _schema = schema;
        _options = options;
        _pool = pool;
        // one for all files of the encoder, so that blocks do not depend on the file they go to
        _marker = RandomNumberGenerator.GetBytes(AvroHeader.MarkerSize);
        _header = AvroFrame.MakeHeader(AvroSchemaWriter.Write(schema, options.RecordName), options.Codec, _marker);
        _cursors = schema.Fields.Sum(static field => AvroCursor.Count(field.Type));
    }

    /// <inheritdoc/>
    public IFileFrame CreateFrame() => new AvroFrame(_header);

    /// <inheritdoc/>
    public EncodedBlock Encode(RecordBatch batch)
    {
        DecimalDigits.Require(batch);
        using var cursors = _pool.Rent(Math.Max(1, _cursors) * sizeof(AvroCursor));
        var columns = (AvroCursor*)cursors.Pointer;
        var free = columns + _schema.Fields.Length;
        for (var i = 0; i < _schema.Fields.Length; i++)
            AvroCursor.Bind(columns + i, _schema.Fields[i], batch.Columns[i], ref free);
        using var rows = new AvroRowWriter(columns, _schema.Fields.Length, _options.BlockSize + _options.BlockSize / 8, _pool);
        using var blocks = new AvroBlockWriter(_options.Codec, _options.Level, _marker, (int)Math.Min(batch.BufferBytes / 2 + 1024, BufferPool.MaxCapacity),
            _pool);
        for (var row = 0; row < batch.Length;)
        {
            var end = rows.Write(row, batch.Length, _options.BlockSize);
            blocks.Add(rows.Content, rows.Text, end - row);
            row = end;
        }
        return new EncodedBlock(blocks.Take(), batch.Length);
    }
}
