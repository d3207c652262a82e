using System.Collections.Immutable;
using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>How records become columns: made once per file and columns wanted, run by any number of decoders at once.</summary>
internal sealed class AvroProgram
{
    /// <summary>Bytes behind a constant that may be read.</summary>
    public const int ConstantPadding = 64;

    /// <summary>The schema of the batches.</summary>
    public required Schema Schema { get; init; }

    /// <summary>The steps of a record, pinned.</summary>
    public required AvroStep[] Steps { get; init; }

    /// <summary>For each step the column or field that it is about, for messages.</summary>
    public required ImmutableArray<string> Paths { get; init; }

    /// <summary>Targets of branches and positions of symbols.</summary>
    public required int[] Tables { get; init; }

    /// <summary>Schemas of values that are rendered or passed over.</summary>
    public required ImmutableArray<AvroSchema> Values { get; init; }

    /// <summary>Encoded values of fields that the file lacks, each with <see cref="ConstantPadding"/>, pinned.</summary>
    public required ImmutableArray<byte[]> Constants { get; init; }

    /// <summary>What each target is; the first is none.</summary>
    public required ImmutableArray<AvroNode?> Targets { get; init; }

    /// <summary>For each target the positions of its children.</summary>
    public required ImmutableArray<ImmutableArray<int>> Children { get; init; }

    /// <summary>The targets that are columns of the batch, in its order.</summary>
    public required ImmutableArray<int> Columns { get; init; }

    /// <summary>Least number of bytes of a record.</summary>
    public required int MinRecordSize { get; init; }
}
