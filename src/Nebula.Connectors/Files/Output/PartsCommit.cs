using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.Files.Output;

/// <summary>
/// Publishes the files of a stream: renames them to their names, then removes what the run before had left. Between the first rename and the last removal a reader can
/// see files of both runs; nothing of a run that failed is ever seen.
/// </summary>
/// <param name="store">Where the files are.</param>
/// <param name="layout">Where they go.</param>
internal sealed class PartsCommit(IObjectStore store, PartsLayout layout)
{
    /// <summary>Publishes. The same token again finishes what was cut off, or does nothing.</summary>
    /// <param name="request">What is to be published.</param>
    public CommitReceipt Publish(CommitRequest request)
    {
        var path = PartsManifest.PathOf(layout);
        var stored = store.ReadSmall(path);
        var before = PartsManifest.Read(stored, path);
        if (before.Token == request.Token && before.IsComplete)
            return new CommitReceipt([.. before.Files.Select(layout.PathOf)], AlreadyCommitted: true);
        var files = Name(request.Parts).ToList();
        var names = files.Select(static file => file.Name).ToHashSet(StringComparer.Ordinal);
        // written first, so that whatever happens from here on, the next commit knows every file that may be there
        var begun = new PartsManifest(request.Token, IsComplete: false, [.. names.Union(before.Files).Order(StringComparer.Ordinal)]);
        stored = store.WriteSmall(path, begun.Render(), stored, request.Plan.RunId);
        foreach (var (_, location, name) in files)
            store.Publish([location], layout.PathOf(name), request.Token);
        foreach (var old in before.Files)
            if (!names.Contains(old))
                store.Delete(layout.PathOf(old), layout.Folder);
        store.WriteSmall(path, (begun with { IsComplete = true, Files = [.. names.Order(StringComparer.Ordinal)] }).Render(), stored, request.Plan.RunId);
        return new CommitReceipt([.. names.Order(StringComparer.Ordinal).Select(layout.PathOf)]);
    }

    /// <summary>Removes staged files.</summary>
    /// <param name="parts">The parts that they belong to.</param>
    public void Discard(IEnumerable<StagedPart> parts)
    {
        foreach (var file in parts.SelectMany(static part => StagedFilePart.Parse(part.Location)))
            store.Discard(file.Location);
    }

    /// <summary>Names the files, relative to the layout's folder. They are numbered in the order of their chunks, within each partition.</summary>
    /// <param name="parts">The parts, in the order of their chunks.</param>
    /// <returns>For each file the position of its part, where it is staged, and its name.</returns>
    public IEnumerable<(int Part, string Location, string Name)> Name(IEnumerable<StagedPart> parts)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (part, staged) in parts.Index())
            foreach (var file in StagedFilePart.Parse(staged.Location))
            {
                if (file.Name.Length > 0)
                {
                    yield return (part, file.Location, file.Name);
                    continue;
                }
                var number = numbers.GetValueOrDefault(file.Partition);
                numbers[file.Partition] = number + 1;
                yield return (part, file.Location, layout.NameOf(file.Partition, number));
            }
    }
}
