using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Writing;

/// <summary>Makes a record batch message of each batch of rows.</summary>
internal sealed class ArrowEncoder : IBlockEncoder
{
    private readonly ArrowOptions _options;
    private readonly BufferPool _pool;
    private readonly ImmutableArray<ArrowField> _fields;
    private readonly BatchTemplate _template;

    /// <summary>Makes an encoder.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="options">How they are written.</param>
    /// <param name="pool">Where memory comes from.</param>
    public ArrowEncoder(Schema schema, ArrowOptions options, BufferPool pool)
    {
        _options = options;
        _pool = pool;
        _fields = [.. schema.Fields.Select(ArrowTypeMapping.ToField)];
        var (nodes, buffers) = (0, 0);
        foreach (var field in schema.Fields)
            Count(field.Type, ref nodes, ref buffers);
        _template = MetadataWriter.WriteBatchTemplate(nodes, buffers, options.Codec);
    }

    public EncodedBlock Encode(RecordBatch batch)
    {
        var capacity = _template.Bytes.Length + BatchWriter.MaxBodyLength(batch);
        if (capacity > BufferPool.MaxCapacity)
            throw new NebulaException(ErrorKind.Limit,
                $"{batch.Length} rows need {Units.FormatSize(capacity)} in one record batch, more than can be held at once. Lower the block size.");
        using var scope = new BufferScope();
        var buffer = scope.Add(_pool.Rent((int)capacity));
        using (var writer = new BatchWriter(_template, buffer, _options, _pool))
            writer.Write(batch);
        scope.Release();
        return new EncodedBlock(buffer, batch.Length) { Metadata = new MessageBlock(0, _template.Bytes.Length, buffer.Length - _template.Bytes.Length) };
    }

    public IFileFrame CreateFrame() => new ArrowFrame(_fields, _options.IsStream);

    private static void Count(DataType type, ref int nodes, ref int buffers)
    {
        // A map has a struct of its entries inside.
        nodes += type.Kind == TypeKind.Map ? 2 : 1;
        buffers += type.Kind switch { TypeKind.Struct => 1, TypeKind.Map => 3, _ => type.IsVariableBinary ? 3 : 2 };
        foreach (var field in type.Fields)
            Count(field.Type, ref nodes, ref buffers);
    }
}
