using System.Collections.Concurrent;
using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Sync;

namespace Nebula.Orchestration.Tests.Sync;

/// <summary>One stream of a <see cref="FolderWorld"/>.</summary>
internal sealed record WorldStream(string Name, int Chunks)
{
    /// <summary>Rows of each chunk.</summary>
    public int RowsPerChunk { get; init; } = 3;

    /// <summary>Entries of the change log behind the snapshot; null for a stream without log.</summary>
    public int? Changes { get; init; }
}

/// <summary>
/// A source and a destination in a folder, so that they outlive the process: chunks are staged as files, a commit replaces one document with all that is
/// visible. It refuses what a real system would: commits out of sequence, acknowledging what is not committed, parts that are not there.
/// </summary>
internal sealed class FolderWorld(string directory, params WorldStream[] streams) : ISyncWorker
{
    private const int WindowSize = 4;

    /// <summary>Called before and after every effect, with its name; may throw, or end the process.</summary>
    public Action<string> Step { get; set; } = static _ => { };

    /// <summary>How often each step began.</summary>
    public ConcurrentDictionary<string, int> Calls { get; } = new();

    /// <summary>Called inside of each transfer.</summary>
    public Func<StreamTask, Chunk, CancellationToken, Task> Transferring { get; set; } = static (_, _, _) => Task.CompletedTask;

    /// <summary>The rows that a reader of the destination sees.</summary>
    public IReadOnlyList<string> Visible(string stream) => Read(stream).Rows;

    /// <summary>The rows that should be there in the end.</summary>
    public static IEnumerable<string> Expected(WorldStream stream)
    {
        for (var chunk = 0; chunk < stream.Chunks; chunk++)
            for (var row = 0; row < stream.RowsPerChunk; row++)
                yield return $"{stream.Name}:{chunk}:{row}";
        for (var change = 0; change < (stream.Changes ?? 0); change++)
            yield return $"{stream.Name}:change:{change}";
    }

    public IEnumerable<string> LeftInStaging() => Directory.Exists(Staging) ? Directory.GetFiles(Staging, "*", SearchOption.AllDirectories) : [];

    public int Acknowledged(string stream) => File.Exists(AcknowledgedPath(stream)) ? int.Parse(File.ReadAllText(AcknowledgedPath(stream)),
        CultureInfo.InvariantCulture) : -1;

    public Task<int> PlanAsync(SyncRequest request, CancellationToken cancellationToken) => Do("plan", () => streams.Length);

    public Task<PlannedStream> PlanStreamAsync(StreamTask task, CancellationToken cancellationToken) =>
        Do("plan-stream", () => new PlannedStream(Of(task).Name) { IsCaptured = Of(task).Changes is not null });

    public Task<Checkpoint?> PrepareAsync(StreamTask task, CancellationToken cancellationToken) => Do("prepare", () =>
    {
        var folder = StagingOf(task);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        var committed = Read(Of(task).Name);
        return committed.Sequence == 0 ? null : new Checkpoint(Of(task).Name, committed.Position, committed.Sequence);
    });

    public async Task<SplitStream> SplitAsync(StreamTask task, Checkpoint? from, Func<Chunk, ValueTask> add, CancellationToken cancellationToken)
    {
        Enter("split");
        for (var i = 0; i < Of(task).Chunks; i++)
            await add(new Chunk(i, $"{Of(task).Name}:{i}"));
        Step("split.after");
        return new SplitStream("0");
    }

    public async Task<StagedPart> TransferAsync(
        StreamTask task, Chunk chunk, Func<CancellationToken, Task<StagedPart?>> findPrevious, CancellationToken cancellationToken)
    {
        Enter("transfer");
        await Transferring(task, chunk, cancellationToken);
        var rows = Enumerable.Range(0, Of(task).RowsPerChunk).Select(row => $"{chunk.Description}:{row}");
        var part = Stage(task, chunk.Index, rows.ToList());
        Step("transfer.after");
        return part;
    }

    public Task<CommitReceipt> CommitAsync(StreamTask task, SyncCommit commit, CancellationToken cancellationToken) => Do("commit", () =>
    {
        var name = Of(task).Name;
        var before = Read(name);
        if (before.Token == commit.Token)
            return new CommitReceipt([], AlreadyCommitted: true);
        if (before.Sequence != commit.ExpectedSequence)
            throw new NebulaException(ErrorKind.Locked, $"at {before.Sequence}, expected {commit.ExpectedSequence}");
        var rows = before.Rows.Concat(commit.Parts.SelectMany(part => File.ReadAllLines(part.Location))).ToList();
        Write(name, new Table(commit.Checkpoint.Sequence, commit.Token, commit.Checkpoint.Position, rows));
        Step("commit.within");
        foreach (var part in commit.Parts)
            File.Delete(part.Location);
        return new CommitReceipt([]);
    });

    public Task AcknowledgeAsync(StreamTask task, Checkpoint checkpoint, CancellationToken cancellationToken) => Do("acknowledge", () =>
    {
        var committed = Read(Of(task).Name);
        var position = int.Parse(checkpoint.Position, CultureInfo.InvariantCulture);
        if (position > int.Parse(committed.Position, CultureInfo.InvariantCulture))
            throw new NebulaException(ErrorKind.Fatal, $"acknowledged {position}, committed only {committed.Position}: rows are lost");
        File.WriteAllText(AcknowledgedPath(Of(task).Name) + ".new", checkpoint.Position);
        File.Move(AcknowledgedPath(Of(task).Name) + ".new", AcknowledgedPath(Of(task).Name), overwrite: true);
        return true;
    });

    public Task AbortAsync(StreamTask task, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken) => Do("abort", () =>
    {
        if (Directory.Exists(StagingOf(task)))
            Directory.Delete(StagingOf(task), recursive: true);
        return true;
    });

    public async Task<CapturedSlice> CaptureAsync(
        CaptureTask task, Func<string, Task<Checkpoint?>> findCommitted, Func<CommittedState, Task> committed, CancellationToken cancellationToken)
    {
        Enter("capture");
        var slice = new CapturedSlice { IsCaughtUp = true };
        for (var i = 0; i < streams.Length; i++)
        {
            if (streams[i] is not { Changes: { } changes, Name: var name } || Read(name) is not { Sequence: > 0 } before)
                continue;
            var begin = int.Parse(before.Position, CultureInfo.InvariantCulture);
            if (begin < Acknowledged(name))
                throw new NebulaException(ErrorKind.Fatal, $"the log before {Acknowledged(name)} is gone");
            var end = Math.Min(begin + WindowSize, changes);
            var rows = Enumerable.Range(begin, end - begin).Select(change => $"{name}:change:{change}").ToList();
            var checkpoint = new Checkpoint(name, end.ToString(CultureInfo.InvariantCulture), before.Sequence + 1);
            var token = $"{task.RunId}/{name}/{checkpoint.Sequence}";
            if (rows.Count > 0)
                Write(name, new Table(checkpoint.Sequence, token, checkpoint.Position, [.. before.Rows, .. rows]));
            Step("capture.committed");
            await AcknowledgeAsync(new StreamTask(task.RunId, task.Pipeline, i), checkpoint, cancellationToken);
            if (rows.Count > 0)
                await committed(new CommittedState(checkpoint, token));
            slice = slice with { Rows = slice.Rows + rows.Count, Windows = slice.Windows + 1, IsCaughtUp = slice.IsCaughtUp && end == changes };
        }
        Step("capture.after");
        return slice;
    }

    private string Staging => Path.Combine(directory, "staging");

    private string StagingOf(StreamTask task) => Path.Combine(Staging, $"{Of(task).Name}");

    private string AcknowledgedPath(string stream) => Path.Combine(directory, stream + ".acknowledged");

    private WorldStream Of(StreamTask task) => streams[task.Stream];

    private StagedPart Stage(StreamTask task, int chunk, List<string> rows)
    {
        Directory.CreateDirectory(StagingOf(task));
        var path = Path.Combine(StagingOf(task), $"{chunk}-{Guid.NewGuid():n}");
        File.WriteAllLines(path, rows);
        return new StagedPart(chunk, path, rows.Count, rows.Sum(row => row.Length));
    }

    private Task<T> Do<T>(string step, Func<T> effect)
    {
        Enter(step);
        var result = effect();
        Step(step + ".after");
        return Task.FromResult(result);
    }

    private void Enter(string step)
    {
        Calls.AddOrUpdate(step, 1, static (_, count) => count + 1);
        Step(step);
    }

    private Table Read(string stream)
    {
        var path = Path.Combine(directory, stream + ".table");
        if (!File.Exists(path))
            return new Table(0, "", "0", []);
        var lines = File.ReadAllLines(path);
        return new Table(long.Parse(lines[0], CultureInfo.InvariantCulture), lines[1], lines[2], lines[3..]);
    }

    private void Write(string stream, Table table)
    {
        var path = Path.Combine(directory, stream + ".table");
        File.WriteAllLines(path + ".new", [table.Sequence.ToString(CultureInfo.InvariantCulture), table.Token, table.Position, .. table.Rows]);
        File.Move(path + ".new", path, overwrite: true);
    }

    private sealed record Table(long Sequence, string Token, string Position, IReadOnlyList<string> Rows);
}
