using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>
/// A name with variables that are known when a stream runs: <c>raw/{stream_file_stem|snake}/part-{part:05}.parquet</c>. Parsed once; <c>{{</c> and <c>}}</c>
/// are the characters themselves.
/// </summary>
public sealed class Template
{
    private static readonly Dictionary<string, string> Known = new(StringComparer.Ordinal)
    {
        ["stream_name"] = "name of the stream",
        ["stream_schema"] = "schema of a stream that is a table",
        ["stream_table"] = "table without its schema",
        ["stream_file_path"] = "path of a stream that is a file",
        ["stream_folder"] = "folder of that file",
        ["stream_file_name"] = "file name with extension",
        ["stream_file_stem"] = "file name without any extension",
        ["stream_file_ext"] = "extension without the dot",
        ["source_name"] = "name of the source connection, or its type",
        ["target_name"] = "name of the target connection, or its type",
        ["run_id"] = "identity of the run",
        ["run_timestamp"] = "start of the run, as 20240131T235959Z",
        ["YYYY"] = "year of the start, UTC",
        ["MM"] = "month of the start, two digits",
        ["DD"] = "day of the start, two digits",
        ["HH"] = "hour of the start, two digits",
        ["part"] = "number of the part, from 0; {part:05} pads it",
    };

    private static readonly string[] NotYet = ["target_schema", "part_year", "part_month", "part_day", "incremental_value", "incremental_where"];

    private static readonly string[] Filters = ["lower", "upper", "snake", "hash8", "trunc(63)"];

    private const int MaxPadding = 18;

    private readonly ImmutableArray<Piece> _pieces;

    private Template(string text, SourceLocation location, ImmutableArray<Piece> pieces) => (Text, Location, _pieces) = (text, location, pieces);

    private enum FilterKind
    {
        Lower,
        Upper,
        Snake,
        Hash8,
        Truncate,
    }

    /// <summary>The text that it was made of.</summary>
    public string Text { get; }

    /// <summary>Where it stands.</summary>
    public SourceLocation Location { get; }

    /// <summary>The variables that it names, each once.</summary>
    public IEnumerable<string> Variables => _pieces.Where(static piece => piece.Variable is not null).Select(static piece => piece.Variable!).Distinct();

    /// <summary>Every variable with its meaning.</summary>
    public static IReadOnlyDictionary<string, string> KnownVariables => Known;

    /// <summary>Parses a template.</summary>
    /// <param name="text">The text.</param>
    /// <param name="location">Where it stands.</param>
    /// <exception cref="ConfigurationException">A variable or filter is unknown, or a brace has no partner.</exception>
    public static Template Parse(string text, SourceLocation location)
    {
        var pieces = ImmutableArray.CreateBuilder<Piece>();
        var literal = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('{' or '}'))
            {
                literal.Append(text[i]);
                continue;
            }
            if (i + 1 < text.Length && text[i + 1] == text[i])
            {
                literal.Append(text[i++]);
                continue;
            }
            var end = text[i] == '{' ? text.IndexOf('}', i) : -1;
            if (end < 0)
                throw new ConfigurationException(location, $"In {ConfigScalar.Quote(text)} the '{text[i]}' has no partner. Write '{text[i]}{text[i]}'"
                    + " for the character itself.");
            if (literal.Length > 0)
                pieces.Add(new Piece(literal.ToString(), null, 0, []));
            literal.Clear();
            pieces.Add(ParseVariable(text[(i + 1)..end], location));
            i = end;
        }
        if (literal.Length > 0)
            pieces.Add(new Piece(literal.ToString(), null, 0, []));
        return new Template(text, location, pieces.ToImmutable());
    }

    /// <summary>Puts values in.</summary>
    /// <param name="values">The value of each variable that applies to the stream.</param>
    /// <param name="kept">A variable that stays as it stands, for whoever knows its values; null for none.</param>
    /// <exception cref="ConfigurationException">The template names a variable that has no value here, such as the schema of a file.</exception>
    public string Render(IReadOnlyDictionary<string, string> values, string? kept = null)
    {
        var text = new StringBuilder();
        foreach (var piece in _pieces)
        {
            if (piece.Variable is null)
            {
                text.Append(piece.Literal);
                continue;
            }
            if (piece.Variable == kept)
            {
                text.Append('{').Append(kept).Append(piece.Padding > 0 ? $":{piece.Padding.ToString("00", CultureInfo.InvariantCulture)}" : "").Append('}');
                continue;
            }
            if (!values.TryGetValue(piece.Variable, out var value))
                throw new ConfigurationException(Location, $"'{{{piece.Variable}}}' has no value here. These have one: {List(values.Keys)}.");
            foreach (var filter in piece.Filters)
                value = filter.Apply(value);
            text.Append(value.PadLeft(piece.Padding, '0'));
        }
        return text.ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static Piece ParseVariable(string expression, SourceLocation location)
    {
        var parts = expression.Split('|');
        var colon = parts[0].IndexOf(':', StringComparison.Ordinal);
        var name = (colon < 0 ? parts[0] : parts[0][..colon]).Trim();
        if (NotYet.Contains(name))
            throw new ConfigurationException(location, $"The variable '{{{name}}}' is not supported yet.");
        if (!Known.ContainsKey(name))
            throw new ConfigurationException(
                location,
                $"There is no variable {ConfigScalar.Quote("{" + name + "}")}.{Suggestion.For(name, Known.Keys)}"
                    + $" Known are {List(Known.Keys)}; write '{{{{' for a brace itself.");
        var padding = 0;
        if (colon >= 0)
        {
            var format = parts[0][(colon + 1)..].Trim();
            var isPadding = format.Length > 1 && format[0] == '0' && int.TryParse(format, NumberStyles.None, CultureInfo.InvariantCulture, out padding);
            if (name != "part" || !isPadding || padding is < 1 or > MaxPadding)
                throw new ConfigurationException(location, $"The format {ConfigScalar.Quote(parts[0])} is unknown. Only {{part:05}} is one: the number"
                    + $" padded with zeros to 1 to {MaxPadding} digits.");
        }
        return new Piece("", name, padding, [.. parts.Skip(1).Select(filter => ParseFilter(filter.Trim(), location))]);
    }

    private static Filter ParseFilter(string text, SourceLocation location) => text switch
    {
        "lower" => new Filter(FilterKind.Lower),
        "upper" => new Filter(FilterKind.Upper),
        "snake" => new Filter(FilterKind.Snake),
        "hash8" => new Filter(FilterKind.Hash8),
        _ when text.StartsWith("trunc(", StringComparison.Ordinal) && text.EndsWith(')')
            && int.TryParse(text.AsSpan(6, text.Length - 7), NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length > 0 =>
                new Filter(FilterKind.Truncate, length),
        _ => throw new ConfigurationException(location, $"There is no filter {ConfigScalar.Quote(text)}.{Suggestion.For(text, Filters)} Known are"
            + $" {string.Join(", ", Filters)}."),
    };

    private static string List(IEnumerable<string> names) => string.Join(" ", names.Order(StringComparer.Ordinal).Select(static name => $"{{{name}}}"));

    /// <summary>Either literal text or a variable with what is done to its value.</summary>
    private sealed record Piece(string Literal, string? Variable, int Padding, ImmutableArray<Filter> Filters);

    private sealed record Filter(FilterKind Kind, int Length = 0)
    {
        public string Apply(string value) => Kind switch
        {
            FilterKind.Lower => value.ToLowerInvariant(),
            FilterKind.Upper => value.ToUpperInvariant(),
            FilterKind.Snake => Snake(value),
            FilterKind.Hash8 => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)), 0, 4),
            _ => Truncate(value),
        };

        private string Truncate(string value)
        {
            if (value.Length <= Length)
                return value;
            // Half of a surrogate pair is no character.
            return char.IsHighSurrogate(value[Length - 1]) ? value[..(Length - 1)] : value[..Length];
        }

        /// <summary>
        /// <c>OrderItems</c>, <c>order-items</c> and <c>ORDER items</c> become <c>order_items</c>; <c>HTTPServer</c> becomes <c>http_server</c>.
        /// </summary>
        private static string Snake(string value)
        {
            var snake = new StringBuilder();
            for (var i = 0; i < value.Length; i++)
            {
                var c = value[i];
                var startsWord = char.IsUpper(c) && i > 0
                    && (char.IsLower(value[i - 1]) || char.IsDigit(value[i - 1])
                        || (char.IsUpper(value[i - 1]) && i + 1 < value.Length && char.IsLower(value[i + 1])));
                if ((startsWord || !IsWordCharacter(c)) && snake.Length > 0 && snake[^1] != '_')
                    snake.Append('_');
                if (IsWordCharacter(c))
                    snake.Append(char.ToLowerInvariant(c));
            }
            return snake.ToString().TrimEnd('_');
        }

        private static bool IsWordCharacter(char c) => char.IsLetterOrDigit(c) || char.IsSurrogate(c);
    }
}
