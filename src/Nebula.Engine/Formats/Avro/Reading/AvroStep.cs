namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>What a step of a program does. Those that append a value do so to <see cref="AvroStep.Target"/>.</summary>
internal enum AvroStepKind : byte
{
    Bool,
    Int32,
    Int64,

    /// <summary>A long times <see cref="AvroStep.Argument"/>.</summary>
    ScaledInt64,
    Float32,
    Float64,
    LongAsFloat32,
    LongAsFloat64,
    Float32AsFloat64,
    Bytes,

    /// <summary><see cref="AvroStep.Argument"/> bytes.</summary>
    Fixed,
    Uuid,

    /// <summary>Decimals of 8 bytes; a fixed of <see cref="AvroStep.Argument"/> bytes, or with a length in front when that is negative.</summary>
    Decimal64,
    Decimal128,

    /// <summary>A position below <see cref="AvroStep.Argument"/>.</summary>
    Enum,

    /// <summary>
    /// A position below <see cref="AvroStep.Argument"/> into the table at <see cref="AvroStep.Table"/>, which has -1 for symbols that the reader lacks.
    /// </summary>
    MappedEnum,
    Duration,
    Json,

    /// <summary>Runs the steps behind it once per item, up to <see cref="AvroStep.Next"/>. <see cref="AvroStep.Argument"/> is the least number of bytes of an
    /// item,
    /// <see cref="AvroStep.Table"/> the number of its columns that have none.</summary>
    Array,

    /// <summary>Only carries the union of a nullable struct, whose fields follow.</summary>
    StructBegin,
    StructEnd,

    /// <summary>Appends a null to <see cref="AvroStep.NullTarget"/>.</summary>
    Null,

    /// <summary>Runs the steps behind it, up to <see cref="AvroStep.Next"/>, over the constant at <see cref="AvroStep.Table"/>.</summary>
    Default,

    /// <summary>Goes on where the branch of the union says: <see cref="AvroStep.Argument"/> positions at <see cref="AvroStep.Table"/>.</summary>
    Union,
    Jump,

    /// <summary>An error: data that the schema to be read has no place for.</summary>
    Fail,

    /// <summary>Passes over <see cref="AvroStep.Argument"/> numbers.</summary>
    SkipVarints,

    /// <summary>Passes over <see cref="AvroStep.Argument"/> bytes.</summary>
    SkipFixed,
    SkipBytes,
    SkipValue,

    /// <summary>The end of a record or item.</summary>
    End,
}

/// <summary>One step of a program.</summary>
internal struct AvroStep
{
    public AvroStepKind Kind;

    /// <summary>0: the value is not in a union with null. Else one more than the position of null in the union of two.</summary>
    public byte NullBranch;

    /// <summary>Target appended to; 0 for none.</summary>
    public int Target;

    /// <summary>Target that takes the null.</summary>
    public int NullTarget;

    /// <summary>Where to go on behind a null, a loop, a jump.</summary>
    public int Next;

    /// <summary>First entry of a table, or position among the program's schemas or constants.</summary>
    public int Table;

    /// <summary>A size, a factor, a number of entries.</summary>
    public long Argument;
}
