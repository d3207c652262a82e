using System.Globalization;
using System.Text;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>The file that clients of PostgreSQL look passwords up in. Manual, "The Password File".</summary>
internal static class PasswordFile
{
    private const int Fields = 5;

    /// <summary>Looks a password up: in the file that PGPASSFILE names, else in the one in the home folder.</summary>
    /// <param name="settings">Server, database and role.</param>
    /// <returns>Null when there is none.</returns>
    public static string? Find(WireSettings settings)
    {
        var path = Environment.GetEnvironmentVariable("PGPASSFILE") is { Length: > 0 } named ? named : OperatingSystem.IsWindows()
            ? InHome("APPDATA", "postgresql", "pgpass.conf") : InHome("HOME", ".pgpass");
        return path is not null && File.Exists(path) ? Find(File.ReadLines(path), settings) : null;
    }

    /// <summary>Looks a password up in lines.</summary>
    /// <param name="lines">The lines.</param>
    /// <param name="settings">Server, database and role.</param>
    /// <returns>Null when there is none.</returns>
    public static string? Find(IEnumerable<string> lines, WireSettings settings)
    {
        string[] wanted = [settings.Host, settings.Port.ToString(CultureInfo.InvariantCulture), settings.Database, settings.User];
        foreach (var line in lines)
            if (!line.TrimStart().StartsWith('#') && Split(line.Trim()) is { Count: Fields } fields
                && wanted.Zip(fields).All(static pair => pair.Second == "*" || pair.First == pair.Second))
                return fields[^1];
        return null;
    }

    private static List<string> Split(string line)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        for (var i = 0; i < line.Length; i++)
            if (line[i] == '\\' && i + 1 < line.Length && line[i + 1] is ':' or '\\')
                field.Append(line[++i]);
            else if (line[i] == ':')
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
                field.Append(line[i]);
        fields.Add(field.ToString());
        return fields;
    }

    private static string? InHome(string variable, params string[] names) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } home ? Path.Combine([home, .. names]) : null;
}
