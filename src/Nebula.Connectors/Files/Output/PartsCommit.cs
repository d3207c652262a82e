using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

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
        if (request.ExpectedSequence is { } expected && before.Token != request.Token && (before.Checkpoint?.Sequence ?? expected) != expected)
            throw new NebulaException(ErrorKind.Locked, $"'{layout.Folder}' is at commit {before.Checkpoint!.Sequence} already; this run expected {expected}. Another run committed meanwhile: nothing of this one was published.");
        var files = Name(request.Parts).ToList();
        var names = files.Select(static file => file.Name).ToHashSet(StringComparer.Ordinal);
        // written first, so that whatever happens from here on, the next commit knows every file that may be there
        var begun = new PartsManifest(request.Token, IsComplete: false, [.. names.Union(before.Files).Order(StringComparer.Ordinal)]) 
        {
            Added = [.. names.Order(StringComparer.Ordinal)],
            Checkpoint = before.Checkpoint,
        };
        stored = store.WriteSmall(path, begun.Render(), stored, request.Plan.RunId);
        foreach (var (location, name) in files)
            store.Publish([location], layout.PathOf(name), request.Token);
        if (request.Plan.IsIncremental)
            // what a commit has added that was cut off and never repeated is no part of what was committed
            names.UnionWith(before.Files.Except(before.Added));
        foreach (var old in before.Files)
            if (!names.Contains(old))
                store.Delete(layout.PathOf(old), layout.Folder);
        var complete = begun with { IsComplete = true, Added = [], Files = [.. names.Order(StringComparer.Ordinal)], Checkpoint = request.Checkpoint };
        store.WriteSmall(path, complete.Render(), stored, request.Plan.RunId);
        if (request.Plan.IsIncremental)
            return new CommitReceipt([.. files.Select(file => layout.PathOf(file.Name))]);
        return new CommitReceipt([.. names.Order(StringComparer.Ordinal).Select(layout.PathOf)]);
    }

    /// <summary>Tells how far the stream is committed.</summary>
    /// <returns>Null when no commit counted.</returns>
    public Checkpoint? FindCheckpoint()
    {
        var path = PartsManifest.PathOf(layout);
        return PartsManifest.Read(store.ReadSmall(path), path).Checkpoint;
    }

    /// <summary>Removes staged files.</summary>
    /// <param name="parts">The parts that they belong to.</param>
    public void Discard(IEnumerable<StagedPart> parts)
    {
        foreach (var file in parts.SelectMany(static part => StagedFilePart.Parse(part.Location)))
            store.Discard(file.Location);
    }

    /// <summary>Numbers the files, in the order of their chunks, within each partition.</summary>
    private IEnumerable<(string Location, string Name)> Name(IEnumerable<StagedPart> parts)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var file in parts.SelectMany(static part => StagedFilePart.Parse(part.Location)))
        {
            if (file.Name.Length > 0)
            {
                yield return (file.Location, file.Name);
                continue;
            }
            var number = numbers.GetValueOrDefault(file.Partition);
            numbers[file.Partition] = number + 1;
            yield return (file.Location, layout.NameOf(file.Partition, number));
        }
    }
}
