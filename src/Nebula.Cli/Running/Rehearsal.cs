using System.Collections.ObjectModel;
using Nebula.Cli.Output;
using Nebula.Connectors.Files;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;

namespace Nebula.Cli.Running;

/// <summary>
/// Runs a pipeline of one row, from CSV to JSON and in memory, while the command line and the pipeline's file are read: what runs for the first time is several
/// times slower than later, as its types are loaded then, and at the start all processors but one have nothing to do.
/// </summary>
internal static class Rehearsal
{
    /// <summary>Begins it on a thread of its own, where there is a processor for it. Nothing waits for its end.</summary>
    /// <param name="keepsAccount">Whether what comes will remember what it committed.</param>
    public static void Start(bool keepsAccount)
    {
        if (Environment.ProcessorCount > 1)
            new Thread(() => Run(keepsAccount)) { Name = "nebula-rehearsal", IsBackground = true }.Start();
    }

    /// <summary>Runs the pipeline.</summary>
    /// <param name="account">Takes the account of what was committed; null for none.</param>
    /// <param name="written">Takes what is written.</param>
    public static async Task RunAsync(IStateStore? account, Stream written)
    {
        using var pool = new BufferPool();
        using var store = new MemoryStore("id,name,amount,at,active\n1,one,1.5,2026-01-31 12:30:00,true\n"u8.ToArray(), written);
        var plan = new RunPlan
        {
            Name = "rehearsal",
            RunId = "rehearsal",
            StartedAt = default,
            Found = new SourceStreams(["in.csv"], [null]),
            Only = [],
            Fingerprint = new Lazy<string>(""),
            Jobs =
            [
                new StreamJob
                {
                    Name = "in.csv",
                    Target = "out.jsonl",
                    OpenSource = () => new FileSource(PathOf("source", Connectors.Files.FileOptions.ForSource(null), "in.csv"), null, store),
                    OpenDestination = () => new FileDestination(PathOf("target", Connectors.Files.FileOptions.ForDestination(null), "out.jsonl"), null, store),
                    TargetOptions = ReadOnlyDictionary<string, OptionValue>.Empty,
                    Request = new StreamRequest(),
                    Options = new PipelineOptions { Workers = 1 },
                },
            ],
        };
        IRunner run = new DirectRun(plan, pool, account);
        if (account is not null)
            run = new RecordedRun(plan, account, run);
        await run.RunAsync([new StreamExecution(plan.Jobs[0])], new QuietDisplay(static _ => { }), default).ConfigureAwait(false);
    }

    private static void Run(bool keepsAccount)
    {
        try
        {
            RunAsync(keepsAccount ? new NoMemory() : null, new MemoryStream()).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is NebulaException or IOException or InvalidOperationException or OutOfMemoryException)
        {
            // the real run meets it too, and tells
        }
    }

    private static OptionValues PathOf(string owner, IReadOnlyList<OptionDescriptor> options, string path) =>
        new(owner, options, new Dictionary<string, OptionValue> { ["path"] = new([path], new SourceLocation(owner)) });

    /// <summary>Remembers nothing.</summary>
    private sealed class NoMemory : IStateStore
    {
        public Task<StateEntry?> GetAsync(string key, CancellationToken cancellationToken) => Task.FromResult<StateEntry?>(null);

        public Task<string> PutAsync(string key, ReadOnlyMemory<byte> content, StateCondition condition, CancellationToken cancellationToken) =>
            Task.FromResult("");

        public IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken cancellationToken) => AsyncEnumerable.Empty<string>();

        public Task<bool> DeleteAsync(string key, CancellationToken cancellationToken) => Task.FromResult(false);
    }

    /// <summary>One object that can be read, and one that can be written.</summary>
    private sealed class MemoryStore(byte[] content, Stream written) : IObjectStore, IStagedObject
    {
        public bool Joins => false;

        public bool Renames => false;

        public string Location => "";

        public long Length => written.Length;

        public string Resolve(string path) => path;

        public bool IsFolder(string path) => false;

        public Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<StoredObject>>([new StoredObject(pattern, pattern, content.Length)]);

        public NebulaException Missing(string path) => NebulaException.NotFound(path);

        public bool GoesOutAtOnce(string path) => true;

        public Stream OpenRead(StoredObject file, long offset = 0, CancellationToken cancellationToken = default) =>
            new MemoryStream(content, (int)offset, content.Length - (int)offset, writable: false);

        public IRandomAccess OpenRandom(StoredObject file, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public void CheckWritable(string path)
        {
        }

        public IDisposable Claim(string path, string pattern, string runId, bool goesOn, CancellationToken cancellationToken) => this;

        public IStagedObject Stage(string path, string runId, int? chunkIndex = null) => this;

        public bool Publish(IReadOnlyList<string> staged, string path, string token) => true;

        public void Discard(string staged)
        {
        }

        public void Delete(string path, string root)
        {
        }

        public SmallObject? ReadSmall(string path) => null;

        public SmallObject WriteSmall(string path, ReadOnlyMemory<byte> content, SmallObject? expected, string runId) => throw new NotSupportedException();

        public void Write(ReadOnlySpan<byte> bytes) => written.Write(bytes);

        public void Flush()
        {
        }

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }
}
