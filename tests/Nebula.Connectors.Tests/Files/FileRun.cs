using Nebula.Connectors.Files;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;

namespace Nebula.Connectors.Tests.Files;

/// <summary>Runs from files to files in a folder that goes away. Whatever happens, every buffer is back in its pool at the end.</summary>
internal sealed class FileRun : IDisposable
{
    private int _runs;

    public string Folder { get; } = Directory.CreateTempSubdirectory("nebula-files-").FullName;

    public PipelineOptions Options { get; set; } = new() { Workers = 2, MemoryLimit = 1 };

    public List<string> Warnings { get; } = [];

    public List<RejectedRow> Quarantined { get; } = [];

    public string PathOf(string name) => Path.Combine(Folder, name);

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllText(PathOf(name), text);
    }

    public string Read(string name) => File.ReadAllText(PathOf(name));

    /// <summary>Everything in a folder and below, hidden files too.</summary>
    public string[] Files(string under = "") => !Directory.Exists(PathOf(under)) ? [] :
        [.. Directory.EnumerateFiles(PathOf(under), "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .Select(path => Path.GetRelativePath(PathOf(under), path).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    /// <summary>Runs from a path to a path. Options of the source start with <c>source.</c>; values are lists where they have commas.</summary>
    public Task<StreamResult> RunAsync(string from, string to, StreamRequest? request = null, params (string Key, string Value)[] settings) => RunAsync(
        from, Destination(to, [.. settings.Where(static s => !s.Key.StartsWith("source.", StringComparison.Ordinal))]), request, settings);

    /// <summary>Runs into a destination, which is disposed of.</summary>
    public async Task<StreamResult> RunAsync(string from, IDestination to, StreamRequest? request = null, params (string Key, string Value)[] settings)
    {
        using var pool = new BufferPool();
        var shared = BufferPool.Shared.Outstanding;
        try
        {
            await using var source = Source(
                from,
                [.. settings.Where(static s => s.Key.StartsWith("source.", StringComparison.Ordinal)).Select(static s => (s.Key[7..], s.Value))]);
            await using var destination = to;
            var options = Options with { BadRows = Options.BadRows with { Quarantine = row => Quarantined.Add(row with { Raw = row.Raw.ToArray() }) } };
            var run = new StreamRun(source, destination, options, pool, $"run{++_runs}");
            run.Warned += Warnings.Add;
            return await run.RunAsync((request ?? new StreamRequest()) with { AsOneStream = true }, CancellationToken.None);
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
            Assert.Equal(shared, BufferPool.Shared.Outstanding);
        }
    }

    /// <summary>Runs in chunks of about so many bytes of the source, which go into one file or into files of their own.</summary>
    public async Task<(StreamPlan Written, IReadOnlyList<StagedPart> Parts)> RunChunksAsync(
        string from, string to, long chunkBytes, params (string Key, string Value)[] settings)
    {
        using var pool = new BufferPool();
        await using var source = Source(from, []);
        await using var destination = Destination(to, settings);
        var run = new StreamRun(source, destination, Options, pool, $"run{++_runs}");
        var plan = await run.PlanAsync(new StreamRequest { AsOneStream = true }, readEverything: false, CancellationToken.None);
        var written = run.PlanWritten(plan);
        await destination.PrepareAsync(written, CancellationToken.None);
        var parts = new List<StagedPart>();
        await foreach (var chunk in source.SplitAsync(plan, new SplitRequest { ChunkBytes = chunkBytes }, CancellationToken.None))
            parts.Add(await run.TransferAsync(plan, written, chunk, parts.LastOrDefault(), CancellationToken.None));
        await destination.CommitAsync(new CommitRequest(written, parts, null, $"run{_runs}/rows"), CancellationToken.None);
        Assert.Equal(0, pool.Outstanding);
        return (written, parts);
    }

    /// <summary>Compares what lies at a path with what was committed.</summary>
    public async Task<IReadOnlyList<PartComparison>> CompareAsync(
        StreamPlan written, IReadOnlyList<StagedPart> parts, string to, params (string Key, string Value)[] settings)
    {
        using var pool = new BufferPool();
        try
        {
            await using var destination = Destination(to, settings);
            var comparisons = await new ReadBack(destination, Options, pool).CompareAsync(written, parts, CancellationToken.None);
            Assert.NotNull(comparisons);
            Assert.Equal(parts.Select(static part => part.ChunkIndex), comparisons.Select(static comparison => comparison.Chunk));
            return comparisons;
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
        }
    }

    public FileDestination Destination(string to, params (string Key, string Value)[] settings) => Destination(new LocalStore(), to, settings);

    public FileDestination Destination(IObjectStore store, string to, params (string Key, string Value)[] settings) =>
        new(Values("target \"file\"", Connectors.Files.FileOptions.ForDestination(null), to, settings), null, store);

    public FileSource Source(string from, params (string Key, string Value)[] settings) =>
        new(Values("source \"file\"", Connectors.Files.FileOptions.ForSource(null), from, settings), null, new LocalStore());

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private OptionValues Values(string owner, IReadOnlyList<OptionDescriptor> descriptors, string path, (string Key, string Value)[] settings) => new(
        owner, descriptors,
        settings.Append(("path", PathOf(path))).Select(static s =>
            KeyValuePair.Create(s.Item1, new OptionValue(s.Item1 == "path" ? [s.Item2] : s.Item2.Split(','), new SourceLocation("test")))));
}
