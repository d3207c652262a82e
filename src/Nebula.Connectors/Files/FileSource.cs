using System.Runtime.CompilerServices;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>Files as a source: format x codec x store. One stream per file, or all matching files as one.</summary>
internal sealed class FileSource : ISource, IInspectable
{
    private const int FilesSampled = 8;

    // how far a sample grows in which nothing is found; what comes only once is kept until it is read again
    private const int LargestSample = 16 << 20;
    private const int LargestRecordSampled = 256 << 20;
    private static readonly Schema NoSchema = new([]);
    private readonly OptionValues _options;
    private readonly IFileFormat? _format;
    private readonly IObjectStore _store;
    private readonly string _path;
    private readonly FileOpener _opener;

    /// <param name="options">What the user set.</param>
    /// <param name="format">The format, when the connector's name is one; null to go by the files' names.</param>
    /// <param name="store">Where the files are.</param>
    public FileSource(OptionValues options, IFileFormat? format, IObjectStore store)
    {
        _options = options;
        _format = format ?? (options.Text("format") is { } name ? FileFormats.ByName(name) : null);
        _store = store;
        _path = store.Resolve(options.Text("path")!);
        _opener = new FileOpener(store, options);
    }

    public bool CanRestart => !_store.ComesOnce(_path);

    public long BufferBytes => _store.BufferBytes;

    public long LibraryBytes => _store.LibraryBytes;

    public async Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            var files = await _store.ListAsync(_path, cancellationToken).ConfigureAwait(false);
            if (files.Count == 0)
                return [new CheckResult("files", false, NothingFound().Reason)];
            _ = FormatOf(files[0]);
            if (!_store.ComesOnce(_path))
                (await Task.Run(() => _opener.Open(files[0], sampleOnly: true), cancellationToken).ConfigureAwait(false)).Dispose();
            return [new CheckResult("files", true, $"{files.Count} {(files.Count == 1 ? "file" : "files")}, the first is readable: {files[0].Path}")];
        }
        catch (NebulaException e)
        {
            return [new CheckResult("files", false, e.Message)];
        }
    }

    public async Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken)
    {
        await using var interruption = cancellationToken.UnsafeRegister(static opener => ((FileOpener)opener!).Interrupt(), _opener).ConfigureAwait(false);
        var files = await _store.ListAsync(_path, cancellationToken).ConfigureAwait(false);
        if (files.Count == 0)
            throw NothingFound();
        var wanted = request.Streams.Count == 0 ? files : Matching(files, request.Streams);
        if (wanted.Count == 0)
            throw NebulaException.NotFound(
                $"No file in '{_path}' matches {string.Join(", ", request.Streams.Select(static s => $"'{s}'"))}."
                + Suggestion.For(request.Streams[0], files.Select(static f => f.Name)));
        if (request.NamesOnly)
            return new Catalog([.. wanted.Select(static file => new CatalogStream(file.Name, NoSchema) { Bytes = file.Size })]);
        if (request.AsOneStream || wanted.Count == 1)
            return new Catalog(
            [
                await DescribeAsync(
                    wanted.Count == 1 ? wanted[0].Name : request.Streams.Count == 1 ? request.Streams[0] : _path,
                    wanted, request, cancellationToken).ConfigureAwait(false),
            ]);
        var streams = new List<CatalogStream>(wanted.Count);
        foreach (var file in wanted)
            streams.Add(await DescribeAsync(file.Name, [file], request, cancellationToken).ConfigureAwait(false));
        return new Catalog(streams);
    }

    public Task<string> FindPositionAsync(StreamPlan plan, Checkpoint? from, CancellationToken cancellationToken) =>
        Task.FromResult(plan.IsIncremental ? SeenFiles.Parse(from?.Position ?? "").With(FileDetails.ParseFiles(plan.Stream.Details[FileDetails.Files])) : "");

    public async IAsyncEnumerable<Chunk> SplitAsync(StreamPlan plan, SplitRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<StoredObject> files = FileDetails.ParseFiles(plan.Stream.Details[FileDetails.Files]);
        if (plan.IsIncremental)
        {
            var seen = SeenFiles.Parse(request.From?.Position ?? "");
            files = [.. files.Where(file => !seen.Contains(file))];
            if (files.Count == 0)
                yield break;
        }
        if (request.ChunkBytes is not { } chunkBytes)
        {
            yield return new Chunk(0, new FileChunk(files).Render()) { Bytes = FileSplitter.BytesOf(new FileChunk(files)), IsWhole = true };
            yield break;
        }
        var splitter = new FileSplitter(FileFormats.ByName(plan.Stream.Details[FileDetails.Format])!, plan.Stream.Details, _opener, _options, chunkBytes);
        var index = 0;
        using var chunks = splitter.Split(files).GetEnumerator();
        // large files are looked into, which waits for the disk or the network
        while (await Task.Run(chunks.MoveNext, cancellationToken).ConfigureAwait(false))
            yield return new Chunk(index++, chunks.Current.Render()) { Bytes = FileSplitter.BytesOf(chunks.Current) };
    }

    public Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken)
    {
        var files = FileChunk.Parse(chunk.Description);
        var format = FileFormats.ByName(plan.Stream.Details[FileDetails.Format])!;
        return Task.FromResult<ISourceReader>(plan.Stream.Details.TryGetValue(FileDetails.Partitions, out var partitions)
            ? new PartitionedReader(plan, TextList.Parse(partitions), files.Files, context.Pool, Open)
            : Open(plan));

        ISourceReader Open(StreamPlan read) => format is IContainerFormat container
            ? new ContainerFileReader(container, files, _opener.Fork(), _options, read, context)
            : new TextFileReader((ITextFormat)format, files, _opener.Fork(), read, context);
    }

    public async Task<IReadOnlyList<InspectedObject>> InspectAsync(CancellationToken cancellationToken)
    {
        var files = await _store.ListAsync(_path, cancellationToken).ConfigureAwait(false);
        if (files.Count == 0)
            throw NothingFound();
        var inspected = new List<InspectedObject>(files.Count);
        foreach (var file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (FormatOf(file) is not IContainerFormat format)
                throw NebulaException.Configuration(
                    $"'{file.Path}' is text: there is nothing in it but its rows. "
                    + $"'nebula discover {file.Path}' shows its columns and how it is written.");
            inspected.Add(new InspectedObject(file.Name,
                await Task.Run(() => ContainerDiscovery.Inspect(format, file, _opener, _options), cancellationToken)
                    .ConfigureAwait(false)));
        }
        return inspected;
    }

    public Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync()
    {
        _opener.Dispose();
        return default;
    }

    private async Task<CatalogStream> DescribeAsync(
        string name, IReadOnlyList<StoredObject> files, DiscoverRequest request, CancellationToken cancellationToken)
    {
        if (FormatOf(files[0]) is IContainerFormat container)
            return await DescribeAsync(container, name, files, request, cancellationToken).ConfigureAwait(false);
        var format = (ITextFormat)FormatOf(files[0]);
        if (_options.Text("infer") is "all" && !_store.ComesOnce(_path))
            request = request with { ReadEverything = true };
        else if (_options.Text("infer") is "none")
            request = request with { InferTypes = false };
        var sampleSize = (int)Math.Clamp(_options.Size("sample_size") ?? 0, 4 << 10, 1 << 30);
        var dialect = DetectDialect(format, files, sampleSize);
        var inferred = Infer(format, dialect, files, request, sampleSize, cancellationToken);
        var details = new Dictionary<string, string>(dialect) { [FileDetails.Format] = format.Name, [FileDetails.Files] = FileDetails.Render(files) };
        if (!request.InferTypes)
            details[FileDetails.Types] = FileDetails.TextOnly;
        var columns = inferred.Build();
        // a file of nothing but faults has no columns, but it is not empty
        if (columns.Fields.Length == 0 && inferred.FirstRefused is { } refused)
            throw refused;
        return new CatalogStream(name, WithPartitions(columns, files, request, details))
        {
            Bytes = files.All(static file => file.Size is not null) ? files.Sum(static file => file.Size) : null,
            // everything was read in vain, so this is known
            Rows = format.AllowsNoColumns && !inferred.HasRecords ? 0 : null,
            Details = details,
        };
    }

    private async Task<CatalogStream> DescribeAsync(
        IContainerFormat format, string name, IReadOnlyList<StoredObject> files, DiscoverRequest request, CancellationToken cancellationToken)
    {
        var details = new Dictionary<string, string> { [FileDetails.Format] = format.Name, [FileDetails.Files] = FileDetails.Render(files) };
        var (schema, rows) = await Task.Run(
            () => ContainerDiscovery.Describe(format, files, _opener, _options, request, details, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        schema = WithPartitions(schema, files, request, details);
        return new CatalogStream(name, schema)
        {
            Bytes = files.All(static file => file.Size is not null) ? files.Sum(static file => file.Size) : null,
            Rows = rows,
            Details = details,
        };
    }

    private Schema WithPartitions(Schema schema, IReadOnlyList<StoredObject> files, DiscoverRequest request, Dictionary<string, string> details)
    {
        var isWanted = _options.Text("hive_partitioning") switch { "true" => true, "false" => false, _ => (bool?)null };
        var partitions = PartitionColumns.Find(files, schema, isWanted, request);
        if (partitions.Count == 0)
            return schema;
        details[FileDetails.Partitions] = TextList.Render(partitions.Select(static field => field.Name));
        return new Schema([.. schema.Fields, .. partitions]);
    }

    private IReadOnlyDictionary<string, string> DetectDialect(ITextFormat format, IReadOnlyList<StoredObject> files, int sampleSize)
    {
        // an empty file says nothing about those behind it
        var first = files.FirstOrDefault(static file => file.Size is null or > 0) ?? files[0];
        for (var size = sampleSize; ; size *= 4)
        {
            using var sample = _opener.Sample(first, size, out var isWhole);
            FileSignatures.RefuseBinary(sample.Content, first.Name, format.Name);
            try
            {
                return format.DetectDialect(sample.Content, isWhole, _options);
            }
            catch (DataFormatException) when (!isWhole && size < LargestSample)
            {
                // a header longer than the sample, for example: more of the file may tell
            }
            catch (DataFormatException e) when (e.Location is null)
            {
                throw new DataFormatException(e.Reason, new SourceLocation(first.Name), e);
            }
        }
    }

    private ISchemaInferrer Infer(
        ITextFormat format, IReadOnlyDictionary<string, string> dialect, IReadOnlyList<StoredObject> files,
        DiscoverRequest request, int sampleSize, CancellationToken cancellationToken)
    {
        var inferrer = format.CreateInferrer(dialect, request, files[0].Name);
        var comesOnce = _store.ComesOnce(_path);
        var largest = request.ReadEverything ? BufferPool.MaxCapacity : comesOnce ? LargestSample : LargestRecordSampled;
        using var pool = new BufferPool();
        var context = new ReadContext(pool, sampleSize) { MaxRecordSize = Math.Max(sampleSize, largest) };
        var observed = 0L;
        for (var i = 0; i < files.Count && (request.ReadEverything || i < FilesSampled || !inferrer.HasRecords); i++)
        {
            using var blocks = new TextBlocks(format, dialect, files[i], 0, _opener, context, sampleOnly: !request.ReadEverything);
            do
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var block = blocks.Next();
                if (block is null)
                    break;
                inferrer.Observe(block.Buffer.Content, block.Context);
                observed += block.Buffer.Length;
            }
            while (request.ReadEverything || (!inferrer.HasRecords && !(comesOnce && observed >= LargestSample)));
        }
        return inferrer;
    }

    private static List<StoredObject> Matching(IReadOnlyList<StoredObject> files, IReadOnlyList<string> streams)
    {
        // a stream of many thousand files names each of them
        var names = streams.ToHashSet(StringComparer.Ordinal);
        var wildcards = streams.Where(Glob.IsWildcard).ToList();
        return [.. files.Where(file => names.Contains(file.Name) || wildcards.Exists(wildcard => Glob.Matches(wildcard, file.Name)))];
    }

    private IFileFormat FormatOf(StoredObject file) =>
        _format ?? FileFormats.ByPath(FileCodecs.WithoutExtension(file.Path))
        ?? throw NebulaException.Configuration(
            $"The format of '{file.Path}' cannot be told from its name. Set 'format' (on the command line --from): {FileFormats.Names}.");

    private NebulaException NothingFound() => Glob.IsWildcard(_path) ? NebulaException.NotFound($"No file matches '{_path}'.") : _store.Missing(_path);
}
