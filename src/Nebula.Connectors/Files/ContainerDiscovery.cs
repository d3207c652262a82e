using System.Globalization;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>Finds the columns of files that carry their schema.</summary>
internal static class ContainerDiscovery
{
    /// <summary>Files of which the schema is read when not all of them must be.</summary>
    private const int FilesSampled = 8;

    /// <summary>Describes files that are read as one stream: the columns of all of them, in the order in which they first appear.</summary>
    /// <param name="format">The format.</param>
    /// <param name="files">The files.</param>
    /// <param name="opener">Opens them.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="details">Takes what was found out about the files.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The columns, and the number of rows where all files tell it.</returns>
    public static (Schema Schema, long? Rows) Describe(IContainerFormat format, IReadOnlyList<StoredObject> files, FileOpener opener, OptionValues options,
        DiscoverRequest request, Dictionary<string, string> details, CancellationToken cancellationToken)
    {
        var union = new SchemaUnion();
        var rows = (long?)0;
        var looked = 0;
        foreach (var file in request.ReadEverything ? files : files.Take(FilesSampled))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var opened = format.Open(opener.OpenRandom(file), options, BufferPool.Shared);
            union.Add(opened.Schema, file.Name);
            rows += opened.Rows;
            looked++;
        }
        if (looked < files.Count)
            rows = null;
        if (rows is { } known)
            details[FileDetails.Rows] = known.ToString(CultureInfo.InvariantCulture);
        return (union.Build(), rows);
    }

    /// <summary>Describes a file for people.</summary>
    /// <exception cref="DataFormatException">The file is corrupt.</exception>
    public static FileInspection Inspect(IContainerFormat format, StoredObject file, FileOpener opener, OptionValues options)
    {
        using var opened = format.Open(opener.OpenRandom(file), options, BufferPool.Shared);
        return opened.Inspect();
    }
}
