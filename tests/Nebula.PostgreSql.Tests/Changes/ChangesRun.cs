using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>Captures streams of a database of its own, and keeps what a destination that merges would have.</summary>
internal sealed class ChangesRun : IAsyncDisposable
{
    private readonly SourceRun _run;
    private readonly Dictionary<string, StreamPlan> _plans = [];
    private readonly Dictionary<string, Checkpoint> _committed = [];
    private bool _ownsDatabase;

    public ChangesRun(PostgreSqlServer server, string database, bool follow = false, params (string Key, string Value)[] settings)
    {
        (Server, Database) = (server, database);
        _run = new SourceRun(server, database, settings);
        Context = new ChangeContext(_run.Pool) { Follow = follow, FlushInterval = TimeSpan.FromMilliseconds(20) };
    }

    public PostgreSqlServer Server { get; }

    public string Database { get; }

    public ChangeContext Context { get; set; }

    public Dictionary<string, string> Options { get; } = new() { ["heartbeat"] = "00:00:00.1" };

    public WriteMode Write { get; set; } = WriteMode.Merge;

    public PositionLoss OnPositionLost { get; set; }

    public bool ChangesOnly { get; set; }

    public BufferPool Pool => _run.Pool;

    public IChangeSource Source => (IChangeSource)_run.Source;

    /// <summary>What a destination has, by stream.</summary>
    public Dictionary<string, Target> Targets { get; } = [];

    /// <summary>Each change that was handed over, in order: stream, then the row.</summary>
    public List<string> Changes { get; } = [];

    public static async Task<ChangesRun> CreateAsync(
        PostgreSqlServer server, string sql, bool follow = false, params (string Key, string Value)[] settings)
    {
        var database = $"changes_{Guid.NewGuid():n}";
        server.Execute($"CREATE DATABASE {database}");
        server.Execute(sql, database);
        var run = new ChangesRun(server, database, follow, settings) { _ownsDatabase = true };
        run.Options["slot"] = database;
        run.Options["publication"] = "nebula pub";
        await Task.CompletedTask;
        return run;
    }

    /// <summary>A run on the same database, maybe of another server, that goes on where another is.</summary>
    public ChangesRun Again(PostgreSqlServer? server = null)
    {
        var next = new ChangesRun(server ?? Server, Database) { Context = Context, Write = Write, OnPositionLost = OnPositionLost };
        next.Context = Context with { };
        foreach (var (key, value) in Options)
            next.Options[key] = value;
        foreach (var (stream, checkpoint) in _committed)
            next._committed[stream] = checkpoint;
        foreach (var (stream, target) in Targets)
            next.Targets[stream] = target;
        return next;
    }

    public void Execute(string sql) => Server.Execute(sql, Database);

    public T Ask<T>(string sql) => Server.Ask<T>(sql, Database);

    public StreamPlan PlanOf(string stream) => _plans[stream];

    public string PositionOf(string stream) => _committed[stream].Position;

    public void SetPosition(string stream, string position) => _committed[stream] = new Checkpoint(stream, position, 1);

    public bool AsText { get; set; }

    public async Task<StreamPlan> PlanAsync(string stream, params string[] key)
    {
        var plan = await _run.PlanAsync(stream, AsText);
        return _plans[stream] = plan with
        {
            Write = Write,
            PrimaryKey = key.Length > 0 ? [.. key] : Write == WriteMode.Merge ? [.. plan.Stream.PrimaryKey] : [],
            Capture = new ChangeCapture($"{Options["slot"]}/{Options["publication"]}")
            {
                Options = Options,
                OnPositionLost = OnPositionLost,
                ChangesOnly = ChangesOnly
            },
        };
    }

    /// <summary>Takes the position of a stream, then reads its rows.</summary>
    public async Task SnapshotAsync(string stream, Action? between = null, params string[] key)
    {
        var plan = await PlanAsync(stream, key);
        _committed[stream] = new Checkpoint(stream, await Source.FindPositionAsync(plan, null, CancellationToken.None), 1);
        between?.Invoke();
        var rows = await _run.ReadAsync(plan, chunkBytes: 8192);
        Assert.Empty(rows.Rejected);
        Targets[stream] = new Target(plan);
        Targets[stream].Load(rows.Lines);
    }

    public Task<IChangeReader> OpenAsync() => Source.OpenChangesAsync(
        [.. _plans.Select(plan => new CapturedStream(plan.Value, _committed[plan.Key]))], Context, CancellationToken.None);

    /// <summary>Reads the log to its end and commits each window.</summary>
    public async Task<int> DrainAsync()
    {
        await using var reader = await OpenAsync();
        return await DrainAsync(reader);
    }

    public async Task<int> DrainAsync(IChangeReader reader, bool acknowledge = true)
    {
        var windows = 0;
        while (await reader.ReadAsync(CancellationToken.None) is { } window)
        {
            Commit(window);
            windows++;
            if (acknowledge)
                await reader.AcknowledgeAsync(window.Position, CancellationToken.None);
        }
        return windows;
    }

    /// <summary>Follows the log until the server has nothing more.</summary>
    public async Task FollowAsync(IChangeReader reader, bool acknowledge = true)
    {
        var end = End();
        while (!IsAt(end))
        {
            var window = await reader.ReadAsync(CancellationToken.None);
            Commit(window!);
            if (acknowledge)
                await reader.AcknowledgeAsync(window!.Position, CancellationToken.None);
        }
    }

    /// <summary>Where the server's log ends.</summary>
    public string End() => Ask<string>("SELECT lpad(split_part(l::text, '/', 1), 8, '0') || lpad(split_part(l::text, '/', 2), 8, '0') FROM "
        + "pg_current_wal_insert_lsn() l");

    public bool IsAt(string end) => string.CompareOrdinal(_committed.Values.First().Position, end) >= 0;

    public async Task FollowUntilFailsAsync(IChangeReader reader)
    {
        while (true)
            Commit((await reader.ReadAsync(CancellationToken.None))!);
    }

    public void Commit(ChangeWindow window)
    {
        using (window)
        {
            var streams = _plans.Keys.ToList();
            foreach (var changes in window.Streams)
            {
                var rows = new Rows([], []);
                foreach (var batch in changes.Batches)
                    rows.Add(batch);
                if (!Targets.TryGetValue(streams[changes.Stream], out var target))
                    target = Targets[streams[changes.Stream]] = new Target(_plans[streams[changes.Stream]]);
                target.Apply(rows.Lines);
                Changes.AddRange(rows.Lines.Select(line => $"{streams[changes.Stream]}: {line}"));
            }
            foreach (var stream in streams)
                _committed[stream] = new Checkpoint(stream, window.Position, _committed[stream].Sequence + 1);
        }
    }

    /// <summary>What the tables have now is what the targets have.</summary>
    public async Task AssertEqualAsync()
    {
        foreach (var (stream, target) in Targets)
        {
            await using var run = new SourceRun(Server, Database);
            var rows = await run.ReadAsync(stream);
            Assert.Equal(rows.Lines.Order(StringComparer.Ordinal), target.Rows.Order(StringComparer.Ordinal));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _run.DisposeAsync();
        if (_ownsDatabase)
            Server.DropSlots(Database);
    }
}

/// <summary>Rows by their key, as changes leave them.</summary>
internal sealed class Target(StreamPlan plan)
{
    private readonly Dictionary<string, string[]> _rows = [];
    private readonly int[] _key = [.. (plan.PrimaryKey.IsEmpty ? [.. plan.Columns.Select(static column => column.Field.Name)] : plan.PrimaryKey).Select(key =>
        plan.Schema.IndexOf(key))];
    private readonly int _columns = plan.Columns.Length;
    private string _last = "";

    public IEnumerable<string> Rows => _rows.Values.Select(static row => string.Join('|', row));

    public void Load(IEnumerable<string> lines, bool anew = false)
    {
        if (anew)
        {
            _rows.Clear();
            _last = "";
        }
        foreach (var line in lines)
            Assert.True(_rows.TryAdd(KeyOf(line.Split('|')), line.Split('|')), $"twice in the snapshot: {line}");
    }

    public void Apply(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            var all = line.Split('|');
            var row = all[.._columns];
            Assert.True(string.CompareOrdinal(_last, all[_columns + 1]) < 0, $"{all[_columns + 1]} behind {_last}");
            _last = all[_columns + 1];
            switch (all[_columns])
            {
                case "t":
                    _rows.Clear();
                    break;
                case "d":
                    Assert.True(_rows.Remove(KeyOf(row)), $"delete of what is not there: {line}");
                    break;
                case "i":
                    Assert.True(_rows.TryAdd(KeyOf(row), row), $"insert of what is there: {line}");
                    break;
                default:
                    Assert.Equal("u", all[_columns]);
                    var before = _rows[KeyOf(row)];
                    if (all.Length > _columns + 3 && all[_columns + 3] is var unchanged and not "null")
                        for (var i = 0; i < _columns; i++)
                            if ((Convert.FromHexString(unchanged)[i / 8] >> (i % 8) & 1) != 0)
                                row[i] = before[i];
                    _rows[KeyOf(row)] = row;
                    break;
            }
        }
    }

    private string KeyOf(string[] row) => string.Join('|', _key.Select(key => row[key]));
}
