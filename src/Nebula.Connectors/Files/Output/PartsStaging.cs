using Nebula.Connectors.ObjectStores;

namespace Nebula.Connectors.Files.Output;

/// <summary>Stages the files of a chunk.</summary>
/// <param name="store">Where the files are.</param>
/// <param name="layout">Where they go.</param>
/// <param name="runId">Identity of the run.</param>
/// <param name="chunk">The chunk's position.</param>
internal sealed class PartsStaging(IObjectStore store, PartsLayout layout, string runId, int chunk)
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<IStagedObject> _staged = [];
    private int _started;
    private bool _interrupted;

    /// <summary>Starts a file.</summary>
    /// <param name="partition">The folders of its partition.</param>
    /// <param name="name">Its path relative to the layout's folder, where it has one already; otherwise empty. Only a store that renames can leave the
    /// numbering, over all chunks, to the commit.</param>
    public IStagedObject Start(string partition, out string name)
    {
        name = "";
        if (store.Renames)
            return Track(store.Stage(layout.PathOf($"{layout.Id}{IObjectStore.PartMark}{chunk}-{_started++}"), runId));
        var number = _numbers.GetValueOrDefault(partition);
        _numbers[partition] = number + 1;
        name = layout.NameOf(partition, number, chunk);
        return Track(store.Stage(layout.PathOf(name), runId));
    }

    /// <summary>Ends a write that waits for the store, and all later ones.</summary>
    public void Interrupt()
    {
        lock (_staged)
        {
            _interrupted = true;
            foreach (var staged in _staged)
                staged.Interrupt();
        }
    }

    /// <summary>Removes a file.</summary>
    /// <param name="part">A file that is complete.</param>
    public void Discard(StagedFilePart part) => store.Discard(part.Location);

    private IStagedObject Track(IStagedObject staged)
    {
        lock (_staged)
        {
            _staged.Add(staged);
            if (_interrupted)
                staged.Interrupt();
        }
        return staged;
    }
}
