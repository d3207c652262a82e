using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Local;

/// <summary>One instance as a journal tells it.</summary>
/// <param name="Number">Its number in the journal.</param>
/// <param name="Id">Its id.</param>
/// <param name="Parent">The number of the instance that started it; -1 for the first.</param>
/// <param name="Action">The action that started it.</param>
internal sealed record JournalInstance(int Number, string Id, int Parent, int Action)
{
    /// <summary>What happened to this generation of it.</summary>
    public List<HistoryEvent> History { get; } = [];

    /// <summary>What waits for its next turn.</summary>
    public Queue<HistoryEvent> Messages { get; } = new();

    /// <summary>The status it shows, as JSON text.</summary>
    public string? Status { get; set; }

    /// <summary>How it ended; null when it has not.</summary>
    public ExecutionCompleted? Completed { get; set; }
}

/// <summary>What a journal says: the instances that live, without what became of no account. Entries make no sense of their own; a journal whose entries
/// contradict each other is refused.</summary>
internal sealed class JournalState
{
    private readonly SortedDictionary<int, JournalInstance> _instances = [];

    /// <summary>The instances, parents before children.</summary>
    public IEnumerable<JournalInstance> Instances => _instances.Values;

    /// <summary>The first instance; null when nothing was written yet.</summary>
    public JournalInstance? Root => _instances.GetValueOrDefault(0);

    /// <summary>Files of the inbox whose messages the journal has.</summary>
    public HashSet<string> TakenFiles { get; } = [];

    /// <summary>The last moment that the journal tells of.</summary>
    public DateTime LastTime { get; private set; }

    /// <summary>The greatest number that an instance ever had.</summary>
    public int LastNumber { get; private set; } = -1;

    /// <summary>Takes one entry.</summary>
    /// <exception cref="DataFormatException">It contradicts those before.</exception>
    public void Apply(JournalEntry entry)
    {
        if (entry.Kind == JournalEntryKind.Instance)
        {
            _instances[entry.Instance] = new JournalInstance(entry.Instance, entry.Text ?? "", entry.Parent, entry.Number);
            LastNumber = Math.Max(LastNumber, entry.Instance);
            return;
        }
        // instances that ended with their parent's generation may still be spoken of by what was under way
        if (!_instances.TryGetValue(entry.Instance, out var instance))
            return;
        switch (entry.Kind)
        {
            case JournalEntryKind.Message when entry.Event is not null:
                instance.Messages.Enqueue(entry.Event);
                if (entry.Text is not null)
                    TakenFiles.Add(entry.Text);
                break;
            case JournalEntryKind.Turn:
                Begin(instance, entry);
                break;
            case JournalEntryKind.Event when entry.Event is not null:
                Add(instance, entry.Event);
                break;
            case JournalEntryKind.Reset:
                instance.History.Clear();
                RemoveChildren(instance.Number);
                break;
            case JournalEntryKind.Status:
                instance.Status = entry.Text;
                break;
        }
    }

    /// <summary>Gives the entries of a journal that says the same and nothing more.</summary>
    public IEnumerable<JournalEntry> Snapshot()
    {
        foreach (var instance in Instances)
        {
            yield return new JournalEntry(JournalEntryKind.Instance, instance.Number)
            {
                Text = instance.Id,
                Parent = instance.Parent,
                Number = instance.Action
            };
            foreach (var past in instance.History)
                yield return new JournalEntry(JournalEntryKind.Event, instance.Number) { Event = past };
            foreach (var message in instance.Messages)
                yield return new JournalEntry(JournalEntryKind.Message, instance.Number) { Event = message };
            if (instance.Status is not null)
                yield return new JournalEntry(JournalEntryKind.Status, instance.Number) { Text = instance.Status };
        }
    }

    /// <summary>Forgets everything but the first instance: the others ended with it.</summary>
    public void KeepRootOnly() => RemoveChildren(0);

    private void Begin(JournalInstance instance, JournalEntry turn)
    {
        if (turn.Number < 0 || turn.Number > instance.Messages.Count)
            throw new DataFormatException(
                $"Instance '{instance.Id}' takes {turn.Number} messages where {instance.Messages.Count} wait; the journal is damaged.");
        Add(instance, new OrchestratorStarted { Timestamp = turn.Time });
        for (var i = 0; i < turn.Number; i++)
            Add(instance, instance.Messages.Dequeue());
    }

    private void Add(JournalInstance instance, HistoryEvent value)
    {
        instance.History.Add(value);
        if (value.Timestamp > LastTime)
            LastTime = value.Timestamp;
        switch (value)
        {
            case ExecutionCompleted completed:
                instance.Completed = completed;
                RemoveChildren(instance.Number);
                break;
            case SubOrchestrationCompleted completed:
                RemoveChild(instance.Number, completed.TaskScheduledId);
                break;
            case SubOrchestrationFailed failed:
                RemoveChild(instance.Number, failed.TaskScheduledId);
                break;
        }
    }

    private void RemoveChild(int parent, int action)
    {
        foreach (var instance in _instances.Values)
            if (instance.Parent == parent && instance.Action == action)
            {
                Remove(instance.Number);
                return;
            }
    }

    private void RemoveChildren(int parent)
    {
        foreach (var child in _instances.Values.Where(instance => instance.Parent == parent).ToList())
            Remove(child.Number);
    }

    private void Remove(int number)
    {
        // depth first; numbers grow from parent to child, so that this ends also for a journal that claims circles
        foreach (var child in _instances.Values.Where(instance => instance.Parent == number && instance.Number > number).ToList())
            Remove(child.Number);
        _instances.Remove(number);
    }
}
