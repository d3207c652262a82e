using Nebula.Connectors.Files;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Names tables after streams.</summary>
internal static class TableNaming
{
    /// <summary>
    /// Names the table of a stream for which the user named none: of a file its name without folder and extensions; else the name of the stream, whose schema
    /// stays.
    /// </summary>
    /// <param name="stream">The stream's name in the source.</param>
    public static string OfStream(string stream)
    {
        var name = stream[(stream.LastIndexOf('/') + 1)..];
        var file = FileCodecs.WithoutExtension(name);
        if (FileFormats.ByPath(file) is null)
            return name.Length == stream.Length ? stream : Quote(name);
        return Quote(file[..file.LastIndexOf('.')]);
    }

    // a point in the name of a file does not divide schema and table
    private static string Quote(string name) => name.Contains('.', StringComparison.Ordinal) || name.Contains('"', StringComparison.Ordinal)
        ? $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : name;
}
