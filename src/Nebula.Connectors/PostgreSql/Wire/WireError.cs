using System.Globalization;
using System.Text;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>Reads what a server says went wrong. Manual, "Error and Notice Message Fields".</summary>
internal static class WireError
{
    /// <summary>Reads an error.</summary>
    /// <param name="content">The content of the message.</param>
    public static PostgresException Read(ReadOnlySpan<byte> content)
    {
        var fields = new Dictionary<char, string>();
        while (content.Length > 1 && content[0] != 0)
        {
            var end = content.IndexOf((byte)0);
            if (end < 0)
                break;
            fields[(char)content[0]] = Encoding.UTF8.GetString(content[1..end]);
            content = content[(end + 1)..];
        }
        var severity = Field('S') ?? "ERROR";
        // details hold values of rows, which are none of the log's business
        return new PostgresException(Field('M') ?? "", severity, Field('V') ?? severity, Field('C') is { Length: 5 } state ? state : "XX000", null, Field('H'),
            Number('P'), Number('p'), Field('q'), Field('W'), Field('s'), Field('t'), Field('c'), Field('d'), Field('n'), Field('F'), Field('L'), Field('R'));

        string? Field(char code) => fields.GetValueOrDefault(code);

        int Number(char code) => int.TryParse(Field(code), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }
}
