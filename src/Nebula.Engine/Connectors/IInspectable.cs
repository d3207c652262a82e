namespace Nebula.Engine.Connectors;

/// <summary>A source whose objects have an inside that is worth looking at: files with row groups, encodings, statistics.</summary>
public interface IInspectable
{
    /// <summary>Describes every object that the source names.</summary>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="Diagnostics.NebulaException">There is none, one cannot be read, or it has no inside.</exception>
    Task<IReadOnlyList<InspectedObject>> InspectAsync(CancellationToken cancellationToken);
}

/// <summary>One object that was looked into.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Inspection">What was found.</param>
public sealed record InspectedObject(string Name, FileInspection Inspection);

/// <summary>What <c>nebula inspect</c> shows of a file.</summary>
/// <param name="Properties">Facts about the file: name and value, in order.</param>
/// <param name="Tables">Columns, parts and so on, in order.</param>
public sealed record FileInspection(IReadOnlyList<KeyValuePair<string, string>> Properties, IReadOnlyList<InspectionTable> Tables);

/// <summary>One table of a <see cref="FileInspection"/>.</summary>
/// <param name="Title">What it lists: <c>columns</c>, <c>row_groups</c>.</param>
/// <param name="Headers">Names of the cells, in snake_case.</param>
/// <param name="Rows">The rows, one text per header; empty where nothing is known.</param>
public sealed record InspectionTable(string Title, IReadOnlyList<string> Headers, IReadOnlyList<IReadOnlyList<string>> Rows);
