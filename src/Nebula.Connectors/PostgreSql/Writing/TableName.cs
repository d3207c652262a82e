using System.Text;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>A table by schema and name.</summary>
/// <param name="Schema">Its schema.</param>
/// <param name="Name">Its name.</param>
internal sealed record TableName(string Schema, string Name)
{
    /// <summary>Most bytes of a name: <c>NAMEDATALEN</c> less one.</summary>
    public const int MostBytes = 63;

    /// <summary>As SQL writes it.</summary>
    public string Sql => SqlName.Quote(Schema, Name);

    /// <summary>Reads the name of an object: <c>table</c> or <c>schema.table</c>; in double quotes, points belong to the name.</summary>
    /// <param name="text">The text.</param>
    /// <param name="schema">The schema where it names none.</param>
    /// <exception cref="NebulaException">It is no name of a table.</exception>
    public static TableName Parse(string text, string schema)
    {
        var parts = new List<string>();
        var part = new StringBuilder();
        var isQuoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"' && isQuoted && i + 1 < text.Length && text[i + 1] == '"')
                part.Append(text[i++]);
            else if (text[i] == '"' && (isQuoted || part.Length == 0))
                isQuoted = !isQuoted;
            else if (text[i] == '.' && !isQuoted && parts.Count == 0)
            {
                parts.Add(part.ToString());
                part.Clear();
            }
            else
                part.Append(text[i]);
        }
        parts.Add(part.ToString());
        if (isQuoted || parts.Contains(""))
            throw NebulaException.Configuration($"'{text}' is no name of a table. Set 'object' to a name, or to SCHEMA.TABLE.");
        var name = parts.Count == 1 ? new TableName(schema, parts[0]) : new TableName(parts[0], parts[1]);
        Require(name.Schema, "The schema", "Set 'object' to a shorter name.");
        Require(name.Name, "The table", "Set 'object' to a shorter name.");
        return name;
    }

    /// <summary>Sees to it that a name can be one of PostgreSQL, which would cut it off without an error.</summary>
    /// <param name="name">The name.</param>
    /// <param name="what">What it names, at the start of a sentence.</param>
    /// <param name="remedy">What to do.</param>
    /// <exception cref="NebulaException">It cannot.</exception>
    public static void Require(string name, string what, string remedy)
    {
        if (Encoding.UTF8.GetByteCount(name) is > MostBytes and var length)
            throw new NebulaException(ErrorKind.Schema, $"{what} \"{name}\" has a name of {length} bytes; PostgreSQL takes {MostBytes}. {remedy}");
        if (name.Length == 0 || name.Contains('\0', StringComparison.Ordinal))
            throw new NebulaException(
                ErrorKind.Schema, $"{what} \"{name}\" has a name that is empty or has a zero character in it, which PostgreSQL does not take. {remedy}");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Schema}.{Name}";
}
