using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// Looks at records to find the columns and the types that hold all of their values. Records that cannot be read are passed over: the decoder reports them.
/// </summary>
/// <typeparam name="TKernel">How strings are scanned.</typeparam>
internal sealed unsafe class JsonInferrer<TKernel>(JsonDialect dialect, DiscoverRequest request, string name, SimdLevel level)
    : JsonRecordLoop<TKernel>(dialect, level), ISchemaInferrer where TKernel : struct, IStringKernel
{
    /// <summary>Levels of arrays and objects that become types; what lies deeper stays JSON.</summary>
    private const int MaxTypedDepth = 64;

    /// <summary>Most columns: keys that never repeat are data, and would need memory without end.</summary>
    private const int MaxColumns = 65_536;

    /// <summary>Most keys at all levels together; objects that are met for the first time beyond that stay JSON.</summary>
    private const int MaxFields = 1 << 20;

    private readonly ObservedType _records = new();
    private readonly ScratchBuffer _scratch = new(BufferPool.Shared);
    private int _fieldCount;
    private int _blocks;

    /// <inheritdoc/>
    public bool HasRecords { get; private set; }

    /// <inheritdoc/>
    public DataFormatException? FirstRefused { get; private set; }

    /// <inheritdoc/>
    public void Observe(ReadOnlySpan<byte> block, int context)
    {
        _blocks++;
        using var copy = new TerminatedCopy(block);
        try
        {
            Run(copy.Start, copy.Length, (JsonBlockContext)context, name);
        }
        finally
        {
            _scratch.Release();
        }
    }

    /// <inheritdoc/>
    public Schema Build()
    {
        IEnumerable<Field> fields = Dialect.IsValues ? [new Field(JsonDialect.ValueColumn, _records.Resolve())] : _records.Fields();
        return new Schema(fields.Select(field => new Field(field.Name,
            request.Types.GetValueOrDefault(field.Name) ?? (request.InferTypes ? field.Type : DataType.String))));
    }

    /// <inheritdoc/>
    protected override byte* Read(byte* record) => JsonLexer<TKernel>.SkipValue(record, Newline, 0, Fault, out _);

    /// <inheritdoc/>
    protected override bool Accept(byte* record, byte* behind)
    {
        HasRecords = true;
        if (Utf8Validator.FindInvalid(new ReadOnlySpan<byte>(record, (int)(behind - record))) is >= 0 and var invalid)
        {
            Fault.Set(record + invalid, JsonProblem.NotUtf8);
            return false;
        }
        if (Dialect.IsValues)
            SeeValue(record, _records, 0);
        else if (*record == '{')
            SeeObject(record, _records, 0);
        return true;
    }

    /// <inheritdoc/>
    protected override void Refuse(byte* record, byte* end)
    {
        HasRecords = true;
        // lines are counted from the start of the file, which only the first block has
        FirstRefused ??= new DataFormatException(Fault.Describe(End), new SourceLocation(name, _blocks == 1 ? 1 + LinesBefore(Fault.At) : 0));
    }

    private int LinesBefore(byte* at) => new ReadOnlySpan<byte>(Start, (int)((at < End ? at : End) - Start)).Count((byte)'\n');

    // The records were checked: from here on every token is where it should be.

    private byte* SeeValue(byte* p, ObservedType type, int depth)
    {
        switch (*p)
        {
            case (byte)'{' or (byte)'[' when depth >= MaxTypedDepth || !type.TakesFields:
                type.SeeAny();
                return Skip(p);
            case (byte)'{':
                return SeeObject(p, type, depth);
            case (byte)'[':
                return SeeArray(p, type, depth);
            case (byte)'"':
                var end = JsonLexer<TKernel>.SkipString(p + 1, Fault, out var hasEscapes);
                type.SeeString(p + 1, (int)(end - p - 1), Dialect.InfersTimestamps && !hasEscapes);
                return end + 1;
            case (byte)'n':
                return p + 4;
            case (byte)'t':
                type.SeeBool();
                return p + 4;
            case (byte)'f':
                type.SeeBool();
                return p + 5;
            default:
                end = JsonLexer.SkipNumber(p, Fault);
                type.SeeNumber(p, (int)(end - p));
                return end;
        }
    }

    private byte* SeeArray(byte* p, ObservedType type, int depth)
    {
        var element = type.SeeArray();
        p = SkipBlanks(p + 1);
        while (*p != ']')
        {
            p = SkipBlanks(SeeValue(p, element, depth + 1));
            if (*p == ',')
                p = SkipBlanks(p + 1);
        }
        return p + 1;
    }

    private byte* SeeObject(byte* p, ObservedType type, int depth)
    {
        var start = p;
        var isRecord = depth == 0 && !Dialect.IsValues;
        type.SeeObject();
        type.LastField = -1;
        p = SkipBlanks(p + 1);
        while (*p != '}')
        {
            var key = p + 1;
            var end = JsonLexer<TKernel>.SkipString(key, Fault, out var hasEscapes);
            p = SkipBlanks(SkipBlanks(end + 1) + 1);
            if (hasEscapes)
            {
                var target = _scratch.Reserve((int)(end - key));
                if ((end = JsonLexer<TKernel>.Unescape(target, key, end, Fault)) == null)
                    return Skip(start); // the decoder refuses such a key
                key = target;
            }
            var limit = isRecord ? MaxColumns : _fieldCount < MaxFields ? ObservedType.MaxFields : 0;
            _fieldCount -= type.FieldCount;
            var field = type.SeeKey(new ReadOnlySpan<byte>(key, (int)(end - key)), limit);
            _fieldCount += type.FieldCount;
            if (field is null)
            {
                if (isRecord)
                    throw new DataFormatException(
                        $"The records have more than {MaxColumns:N0} different keys, so the keys are data. "
                        + "Set 'records: values' to read each record as one JSON value.",
                        new SourceLocation(name));
                type.SeeAny();
                return Skip(start);
            }
            p = request.InferTypes || !isRecord ? SeeValue(p, field, depth + 1) : Skip(p);
            p = SkipBlanks(p);
            if (*p == ',')
                p = SkipBlanks(p + 1);
        }
        return p + 1;
    }

    private byte* Skip(byte* p) => JsonLexer<TKernel>.SkipValue(p, Newline, 0, Fault, out _);

    private byte* SkipBlanks(byte* p) => *p > ' ' ? p : JsonLexer.SkipBlanks(p, Newline);
}
