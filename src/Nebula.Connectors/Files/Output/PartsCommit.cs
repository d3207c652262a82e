using System.Runtime.ExceptionServices;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.Files.Output;

/// <summary>
/// Publishes the files of a stream: renames them to their names, then removes what the run before had left. Between the first rename and the last removal a
/// reader can see files of both runs; nothing of a run that failed is ever seen.
/// </summary>
/// <param name="store">Where the files are.</param>
/// <param name="layout">Where they go.</param>
internal sealed class PartsCommit(IObjectStore store, PartsLayout layout)
{
    private const int CallsUnderWay = 8;

    /// <summary>Publishes. The same token again finishes what was cut off, or does nothing.</summary>
    /// <param name="request">What is to be published.</param>
    /// <exception cref="NebulaException">Locked: another run commits. Transient: another attempt at this commit is under way.</exception>
    public CommitReceipt Publish(CommitRequest request)
    {
        var path = PartsManifest.PathOf(layout);
        try
        {
            return Publish(request, path);
        }
        catch (NebulaException e) when (e.Kind == ErrorKind.Locked && PartsManifest.Read(store.ReadSmall(path), path).Token == request.Token)
        {
            throw new NebulaException(ErrorKind.Transient, $"Another attempt at this commit to '{layout.Folder}' is under way.", inner: e);
        }
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
        ForEach(parts.SelectMany(static part => StagedFilePart.Parse(part.Location)), file => store.Discard(file.Location));
    }

    private CommitReceipt Publish(CommitRequest request, string path)
    {
        var stored = store.ReadSmall(path);
        var before = PartsManifest.Read(stored, path);
        if (before.Token == request.Token && before.IsComplete)
            return new CommitReceipt([.. before.Files.Select(layout.PathOf)], AlreadyCommitted: true);
        if (request.ExpectedSequence is { } expected && before.Token != request.Token && (before.Checkpoint?.Sequence ?? expected) != expected)
            throw new NebulaException(ErrorKind.Locked,
                $"'{layout.Folder}' is at commit {before.Checkpoint!.Sequence} already; this run expected {expected}. "
                + "Another run committed meanwhile: nothing of this one was published.");
        var files = Name(request.Parts).ToList();
        var names = files.Select(static file => file.Name).ToHashSet(StringComparer.Ordinal);
        // written first, so that whatever happens from here on, the next commit knows every file that may be there
        var begun = new PartsManifest(request.Token, IsComplete: false, [.. names.Union(before.Files).Order(StringComparer.Ordinal)])
        {
            // those of a commit that was never repeated are not committed either, also for whoever repeats this one
            Added = [.. names.Union(before.Added).Order(StringComparer.Ordinal)],
            Checkpoint = before.Checkpoint,
        };
        stored = store.WriteSmall(path, begun.Render(), stored, request.Plan.RunId);
        ForEach(files, file => store.Publish([file.Location], layout.PathOf(file.Name), request.Token));
        if (request.Plan.Write == WriteMode.Append)
            // what a commit has added that was cut off and never repeated is no part of what was committed
            names.UnionWith(before.Files.Except(before.Added));
        ForEach(before.Files.Where(old => !names.Contains(old)), old => store.Delete(layout.PathOf(old), layout.Folder));
        var complete = begun with { IsComplete = true, Added = [], Files = [.. names.Order(StringComparer.Ordinal)], Checkpoint = request.Checkpoint };
        store.WriteSmall(path, complete.Render(), stored, request.Plan.RunId);
        if (request.Plan.Write == WriteMode.Append)
            return new CommitReceipt([.. files.Select(file => layout.PathOf(file.Name))]);
        return new CommitReceipt([.. names.Order(StringComparer.Ordinal).Select(layout.PathOf)]);
    }

    /// <summary>Where each call travels, several are under way at a time.</summary>
    private void ForEach<T>(IEnumerable<T> items, Action<T> action)
    {
        if (store.Renames)
            foreach (var item in items)
                action(item);
        else
            try
            {
                Parallel.ForEach(items, new ParallelOptions { MaxDegreeOfParallelism = CallsUnderWay }, action);
            }
            catch (AggregateException e)
            {
                ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
            }
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
