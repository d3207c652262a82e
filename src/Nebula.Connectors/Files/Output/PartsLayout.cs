using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files.Output;

/// <summary>Where the files of a stream with several files go.</summary>
/// <param name="Folder">The folder that all of them are in or below.</param>
/// <param name="Name">The path of a file in it, with the variable of its part.</param>
internal sealed record PartsLayout(string Folder, string Name)
{
    private const string Numbered = "{part:05}";

    /// <summary>
    /// What stands before the number of each file, so that files of several commits can be side by side; empty where each commit replaces the one before.
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>A name for all files together, good as the name of a file.</summary>
    public string Id => PathTemplate.OfPart(Name, null).Replace('/', '_');

    /// <summary>A wildcard of all files that there may be.</summary>
    public string Pattern
    {
        get
        {
            var slash = Name.LastIndexOf('/') + 1;
            return PathOf(PathTemplate.OfAnyPart(Name[..slash]) + "**/" + PathTemplate.OfAnyPart(Name[slash..]));
        }
    }

    /// <summary>Finds out where files go.</summary>
    /// <param name="target">A path with the variable of the part; or a file, whose name gets the number; or a folder.</param>
    /// <param name="format">The format.</param>
    /// <param name="options">What the user set.</param>
    public static PartsLayout Of(string target, IFileFormat format, OptionValues options)
    {
        target = target.Replace('\\', '/');
        if (PathTemplate.IndexOfPart(target) is >= 0 and var part)
            return Split(target, target.LastIndexOf('/', part));
        var plain = FileCodecs.WithoutExtension(target);
        if (target.EndsWith('/') || FileFormats.ByPath(plain) is null)
            return new PartsLayout(target.TrimEnd('/') is { Length: > 0 } folder ? folder : "/", "part-" + Numbered + Extensions(target, format, options));
        var stem = plain[..^Path.GetExtension(plain).Length];
        return Split($"{stem}-{Numbered}{target[stem.Length..]}", target.LastIndexOf('/'));
    }

    /// <summary>The path of a file, relative to <see cref="Folder"/>.</summary>
    /// <param name="partition">The folders of its partition; empty for none.</param>
    /// <param name="part">Its number within the partition.</param>
    /// <param name="chunk">The chunk that it belongs to, where files are numbered within theirs.</param>
    public string NameOf(string partition, int part, int chunk = 0)
    {
        var slash = Name.LastIndexOf('/') + 1;
        return PathTemplate.OfPart(Name[..slash], part, chunk, Prefix) + partition + PathTemplate.OfPart(Name[slash..], part, chunk, Prefix);
    }

    /// <summary>The full path of a file.</summary>
    /// <param name="name">Its path relative to <see cref="Folder"/>.</param>
    public string PathOf(string name) => ObjectPath.Combine(Folder, name);

    private static PartsLayout Split(string path, int slash) =>
        slash < 0
            ? new PartsLayout(".", path)
            : new PartsLayout(slash == 0 ? "/" : path[..slash], path[(slash + 1)..]);

    private static string Extensions(string target, IFileFormat format, OptionValues options) =>
        format.Extensions[0] + (format.OwnCodecs is null && FileCodecs.ForWriting(target, options).Extensions is [var extension, ..] ? extension : "");
}
