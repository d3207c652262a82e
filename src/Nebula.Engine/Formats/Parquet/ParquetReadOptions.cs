using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet;

/// <summary>What users can set when files are read.</summary>
internal sealed record ParquetReadOptions
{
    private const string Int96 = "int96";
    private const string AsString = "binary_as_string";

    /// <summary>Unit of the timestamps that INT96 columns become.</summary>
    /// <value>Nanoseconds: exact, but only from 1677 to 2262.</value>
    public TimeUnit Int96Unit { get; init; } = TimeUnit.Nanosecond;

    /// <summary>Whether byte arrays without a declared meaning are text. Some old writers declare none.</summary>
    /// <value>No.</value>
    public bool BinaryAsString { get; init; }

    /// <summary>The options as data.</summary>
    public static IReadOnlyList<OptionDescriptor> Descriptors { get; } =
    [
        new(Int96, OptionKind.Choice, "Unit of timestamps stored as INT96: ns is exact and reaches from 1677 to 2262, us cuts off nanoseconds and reaches any "
            + "year.", "ns")
        {
            Choices = ["ns", "us"],
        },
        new(AsString, OptionKind.Flag, "Reads byte arrays that declare no meaning as text, as some old writers mean them.", "false"),
    ];

    /// <summary>Takes over what the user set.</summary>
    /// <param name="values">The options.</param>
    public static ParquetReadOptions From(OptionValues values) => new()
    {
        Int96Unit = values.Text(Int96) == "us" ? TimeUnit.Microsecond : TimeUnit.Nanosecond,
        BinaryAsString = values.Flag(AsString) ?? false,
    };
}
