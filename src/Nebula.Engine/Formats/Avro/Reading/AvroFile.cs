using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>An open file.</summary>
internal sealed class AvroFile : IContainerFile
{
    private const int MaxBlocksShown = 1000;
    private readonly IRandomAccess _bytes;
    private readonly AvroHeader _header;
    private readonly AvroSchema _schema;
    private readonly ImmutableArray<AvroNode> _columns;
    private readonly Lazy<IReadOnlyList<AvroBlock>> _blocks;

    /// <summary>Reads the header.</summary>
    /// <param name="bytes">The file, which this owns.</param>
    /// <param name="schema">The schema to be read; null for the file's own.</param>
    /// <exception cref="Diagnostics.DataFormatException">The header is corrupt, or asks for what is not supported.</exception>
    public AvroFile(IRandomAccess bytes, AvroSchema? schema)
    {
        _bytes = bytes;
        _header = AvroHeader.Read(bytes);
        _schema = schema ?? _header.Schema;
        _columns = AvroNode.OfFile(_schema, bytes.Name);
        _blocks = new Lazy<IReadOnlyList<AvroBlock>>(() => AvroBlockIndex.Read(_bytes, _header));
        Schema = new Schema(_columns.Select((column, i) => new Field(
            _schema.Type == AvroType.Record ? AvroNode.NameOf(_schema.Fields[i]) : "value", column.Type, column.IsNullable)));
    }

    /// <inheritdoc/>
    public Schema Schema { get; }

    /// <inheritdoc/>
    public long? Rows => _blocks.IsValueCreated ? _blocks.Value.Sum(static block => block.Rows) : null;

    /// <inheritdoc/>
    public IReadOnlyList<ContainerPart> Parts => [.. _blocks.Value.Select(static block =>
        new ContainerPart(block.Offset, block.End - block.Offset, block.Rows))];

    /// <inheritdoc/>
    public FileInspection Inspect()
    {
        var blocks = _blocks.Value;
        List<KeyValuePair<string, string>> properties =
        [
            new("format", "avro"),
            new("codec", AvroCodecs.NameOf(_header.Codec)),
            new("rows", Text(Rows)),
            new("blocks", Text(blocks.Count)),
            new("header_bytes", Text(_header.Length)),
            new("data_bytes", Text(blocks.Sum(static block => block.DataLength))),
            new("sync_marker", Convert.ToHexStringLower(_header.Marker)),
            new("schema_fingerprint", AvroCanonicalForm.Fingerprint(_header.Schema).ToString("x16", CultureInfo.InvariantCulture)),
        ];
        foreach (var (key, value) in _header.Metadata)
            if (key != "avro.codec")
                properties.Add(new(key, Encoding.UTF8.GetString(value)));
        var columns = Schema.Fields.Select((field, i) => (IReadOnlyList<string>)[field.Name, field.Type.ToString(), _columns[i].Schema.ToString(),
            field.Nullable ? "true" : "false"]);
        var parts = blocks.Take(MaxBlocksShown).Select(static block =>
            (IReadOnlyList<string>)[Text(block.Index + 1), Text(block.Offset), Text(block.Rows), Text(block.DataLength)]);
        return new FileInspection(properties,
        [
            new InspectionTable("columns", ["name", "type", "stored_as", "nullable"], [.. columns]),
            new InspectionTable(blocks.Count > MaxBlocksShown ? $"blocks (the first {MaxBlocksShown})" : "blocks", ["block", "offset", "rows", "data_bytes"],
                [.. parts]),
        ]);
    }

    /// <inheritdoc/>
    public IContainerReader OpenReader(ImmutableArray<int> columns, int firstPart, int? partCount, ReadContext context)
    {
        var program = AvroCompiler.Compile(_header.Schema, _schema, _columns, columns, _bytes.Name);
        if (firstPart == 0 && partCount is null)
            return new AvroReader(_bytes, _header, program, (0, _header.Length, 0), _bytes.Length, context);
        var blocks = _blocks.Value;
        var count = Math.Min(partCount ?? int.MaxValue, blocks.Count - firstPart);
        return count <= 0
            ? new AvroReader(_bytes, _header, program, (0, 0, 0), 0, context)
            : new AvroReader(_bytes, _header, program, (firstPart, blocks[firstPart].Offset, blocks[firstPart].FirstRow), blocks[firstPart + count - 1].End,
                context);
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";
}
