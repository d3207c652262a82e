using Nebula.Engine.Connectors;

namespace Nebula.Engine.Formats.Csv;

/// <summary>What can be set on CSV, by name.</summary>
internal static class CsvOptions
{
    /// <summary>What can be set when CSV is read. What is not set is detected.</summary>
    public static IReadOnlyList<OptionDescriptor> Read { get; } =
    [
        new("delimiter", OptionKind.Text, "Separates fields: one ASCII character, '\\t' or 'tab'. Detected among comma, semicolon, tab and pipe when not set."),
        new("quote", OptionKind.Text, "Encloses fields with special characters: one ASCII character or 'none'. Detected among double and single quote when "
            + "not set."),
        new("escape", OptionKind.Text, "Makes a quote inside quotes ordinary: one ASCII character. Detected (doubled quote or backslash) when not set."),
        new("comment", OptionKind.Text, "Starts a line that is no record: one ASCII character or 'none'. Detected ('#' in front of the header) when not set."),
        new("header", OptionKind.Flag, "Whether the first record holds the names of the columns. Detected when not set."),
        new("skip_rows", OptionKind.Integer, "Lines in front of the first record to leave out.", "0"),
        new("encoding", OptionKind.Text, "Character encoding: utf-8, utf-16, utf-16le, utf-16be, latin-1, windows-1252. Detected by byte order mark, else "
            + "utf-8, when not set."),
        new("null_markers", OptionKind.TextList, "Texts of unquoted fields that stand for null. An empty list: nothing does.", ""),
        new("null_padding", OptionKind.Flag, "Whether a record with too few fields is completed with nulls instead of being bad.", "false"),
        new("trim", OptionKind.Flag, "Whether blanks and tabs around values go; those inside quotes stay.", "false"),
        new("decimal", OptionKind.Text, "What stands in front of the fraction of numbers: one ASCII character, such as ','.", "."),
        new("thousands", OptionKind.Text, "What stands between groups of three digits: one ASCII character. Nothing when not set."),
        new("date_format", OptionKind.Text, "How dates are written, in the words of strptime: '%d.%m.%Y'. ISO 8601 when not set."),
        new("timestamp_format", OptionKind.Text, "How timestamps are written, in the words of strptime: '%d/%m/%Y %H:%M:%S'. ISO 8601 when not set."),
    ];

    /// <summary>What can be set when CSV is written.</summary>
    public static IReadOnlyList<OptionDescriptor> Write { get; } =
    [
        new("delimiter", OptionKind.Text, "Separates fields: one ASCII character, '\\t' or 'tab'.", ","),
        new("quote", OptionKind.Text, "Encloses fields that need it: one ASCII character.", "\""),
        new("quoting", OptionKind.Choice, "Which fields are quoted: those that need it, or all that are not null.", "minimal") { Choices = ["minimal", "all"] },
        new("header", OptionKind.Flag, "Whether the first record holds the names of the columns.", "true"),
        new("null_marker", OptionKind.Text, "What is written for null.", ""),
        new("line_end", OptionKind.Choice, "What ends a record.", "lf") { Choices = ["lf", "crlf"] },
    ];
}
