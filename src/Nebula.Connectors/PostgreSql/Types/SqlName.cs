namespace Nebula.Connectors.PostgreSql.Types;

/// <summary>Names and values as SQL writes them.</summary>
internal static class SqlName
{
    /// <summary>Quotes a name, so that it means itself whatever is in it.</summary>
    /// <param name="name">The name.</param>
    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>Quotes the name of an object in a schema.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="name">The object.</param>
    public static string Quote(string schema, string name) => $"{Quote(schema)}.{Quote(name)}";

    /// <summary>Writes an array of texts as the server reads one. Manual, "Array Input and Output Syntax".</summary>
    /// <param name="values">The texts.</param>
    public static string Array(IEnumerable<string> values) => $"{{{string.Join(',', values.Select(static value =>
        $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""))}}}";

    /// <summary>Quotes a value, so that it means itself whatever is in it and however the server is set.</summary>
    /// <param name="value">The value.</param>
    public static string Literal(string value)
    {
        var quoted = value.Replace("'", "''", StringComparison.Ordinal);
        return value.Contains('\\', StringComparison.Ordinal) ? $"E'{quoted.Replace("\\", "\\\\", StringComparison.Ordinal)}'" : $"'{quoted}'";
    }
}
