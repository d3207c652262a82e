using Nebula.Connectors.Files.Output;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>
/// Files as a destination: format x codec x store. A stream becomes one file, which appears whole or not at all, or the files
/// of a folder (see <see cref="PartsCommit"/>).
/// </summary>
internal sealed class FileDestination : IDestination
{
    private readonly OptionValues _options;
    private readonly IFileFormat? _format;
    private readonly IObjectStore _store;
    private readonly string _path;
    private readonly bool _isFolder;
    private readonly SemaphoreSlim _committing = new(1);
    private IDisposable? _claim;

    /// <param name="options">What the user set.</param>
    /// <param name="format">The format, when the connector's name is one; null to go by the file's name.</param>
    /// <param name="store">Where the files go.</param>
    public FileDestination(OptionValues options, IFileFormat? format, IObjectStore store)
    {
        _options = options;
        _format = format ?? (options.Text("format") is { } name ? FileFormats.ByName(name) : null);
        _store = store;
        _path = store.Resolve(options.Text("path")!);
        _isFolder = store.IsFolder(_path);
        var known = _format ?? FileFormats.ByPath(FileCodecs.WithoutExtension(_path));
        Capabilities = new DestinationCapabilities
        {
            KeepsTypes = known?.KeepsTypes ?? true,
            KeepsNesting = known?.Map(DataType.List(DataType.Int64)).WrittenAs is null,
            AllowsNoColumns = known?.AllowsNoColumns ?? false,
            CanRestart = !store.GoesOutAtOnce(_path),
            AcceptsManyStreams = _isFolder,
        };
    }

    public DestinationCapabilities Capabilities { get; }

    public long BufferBytes => _store.BufferBytes;

    public long LibraryBytes => _store.LibraryBytes;

    public string NameObject(string stream)
    {
        if (!_isFolder)
            return "";
        if (_format is null)
            return stream;
        var name = FileCodecs.WithoutExtension(stream);
        return (FileFormats.ByPath(name) is null ? name : Path.ChangeExtension(name, null)) + _format.Extensions[0];
    }

    public string LocationOf(string objectName) => TargetOf(objectName);

    public TypeMapping Map(string objectName, DataType type) => FormatOf(TargetOf(objectName)).Map(type);

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_path == LocalStore.StandardStream)
                return Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("writable", true, "standard output")]);
            if (!_isFolder)
                _ = FormatOf(_path);
            _store.CheckWritable(_path);
            return Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("writable", true, $"'{_path}' can be written")]);
        }
        catch (NebulaException e)
        {
            return Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("writable", false, e.Message)]);
        }
    }

    public ChunkOrder ChunksOf(string objectName, WriteMode write)
    {
        var target = TargetOf(objectName);
        return HasParts(target, write) ? ChunkOrder.Any
            : _store.GoesOutAtOnce(target) || !FileEncoding.CanContinue(FormatOf(target), target, _options) ? ChunkOrder.Single
            : _store.Joins ? ChunkOrder.Any
            : _store.Continues ? ChunkOrder.InOrder
            : ChunkOrder.Single;
    }

    public Task<Checkpoint?> PrepareAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        var target = TargetOf(plan);
        var layout = LayoutOf(target, plan);
        if (layout is null && plan.Write == WriteMode.Append)
            throw NebulaException.Configuration(
                $"The stream is read in parts, each of which becomes files beside those that are there, but '{target}' is one file. "
                + "Give a folder and a format, or put {part:05} into the name.",
                _options.LocationOf("path"));
        // a wrong option is found before anything moves
        if (layout is not null)
            _ = PartitionKey.Parse(_options.List("partition_by"), plan.Schema, _options);
        Unlock();
        _claim = Claim(target, layout, plan, goesOn: false, cancellationToken);
        if (layout is not null && _store.Renames)
            // a manifest whose writer died before it had its name
            _store.Claim(PartsManifest.PathOf(layout), PartsManifest.PathOf(layout), plan.RunId, goesOn: false, cancellationToken).Dispose();
        return Task.FromResult(layout is null ? null : new PartsCommit(_store, layout).FindCheckpoint());
    }

    public Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken)
    {
        var target = TargetOf(plan);
        if (LayoutOf(target, plan) is { } layout)
            return Task.FromResult<IDestinationWriter>(OpenParts(plan, layout, chunk, context));
        var encoding = new FileEncoding(FormatOf(target), target, plan.Schema, _options, context.Pool);
        var staged = context.Previous is { } previous
            ? _store.Continue(previous.Location)
            : _store.Stage(target, plan.RunId, ChunksOf(plan.Object, plan.Write) == ChunkOrder.Any && !chunk.IsWhole ? chunk.Index : null);
        return Task.FromResult<IDestinationWriter>(new FileWriter(encoding, staged, chunk));
    }

    public async Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        var target = TargetOf(request.Plan);
        var layout = LayoutOf(target, request.Plan);
        await _committing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // what the process claimed that began the run, and died
            _claim ??= Claim(target, layout, request.Plan, goesOn: true, cancellationToken);
            var (path, pattern) = ClaimedBy(target, layout);
            var abandoned = _store.GoesOutAtOnce(target) ? [] : _store.FindAbandoned(path, pattern, request.Plan.RunId, StagedOf(request.Parts, layout));
            var receipt = layout is not null ? new PartsCommit(_store, layout).Publish(request) : Publish(request, target);
            Discard(abandoned);
            // nothing is left to protect, also if this process should die before it comes to its end
            Unlock();
            return receipt;
        }
        finally
        {
            _committing.Release();
        }
    }

    public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        var layout = LayoutOf(TargetOf(plan), plan);
        if (layout is not null)
            new PartsCommit(_store, layout).Discard(parts);
        else
            foreach (var location in StagedOf(parts, layout))
                _store.Discard(location);
        return Task.CompletedTask;
    }

    public string LocationOf(StreamPlan plan) => TargetOf(plan);

    public bool KeepsEmptyText(StreamPlan plan, int column)
    {
        var target = TargetOf(plan);
        var keys = PartitionKey.Parse(_options.List("partition_by"), plan.Schema, _options);
        // the names of folders have the same word for both
        return !keys.Any(key => key.Column == column && key.Transform == PartitionTransform.Identity)
            && FormatOf(target).KeepsEmptyText(FileSchemaOf(plan, keys), _options);
    }

    public Task<IReadOnlyList<CommittedRows>?> FindCommittedAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        var target = TargetOf(plan);
        if (_store.GoesOutAtOnce(target))
            return Task.FromResult<IReadOnlyList<CommittedRows>?>(null);
        var layout = LayoutOf(target, plan);
        var keys = layout is null ? [] : PartitionKey.Parse(_options.List("partition_by"), plan.Schema, _options);
        var reading = new CommittedFiles(FormatOf(target), _store, _options, plan, FileSchemaOf(plan, keys));
        if (layout is null)
            return Task.FromResult<IReadOnlyList<CommittedRows>?>([reading.Of(0, parts.Count, target, [(target, ObjectPath.NameOf(target))])]);
        var files = new PartsCommit(_store, layout).Name(parts).ToLookup(static file => file.Part, file => (layout.PathOf(file.Name), file.Name));
        return Task.FromResult<IReadOnlyList<CommittedRows>?>([.. parts.Select((_, i) => reading.Of(i, 1, layout.Folder, [.. files[i]]))]);
    }

    public ValueTask DisposeAsync()
    {
        Unlock();
        _committing.Dispose();
        _store.Dispose();
        return default;
    }

    private PartsWriter OpenParts(StreamPlan plan, PartsLayout layout, Chunk chunk, WriteContext context)
    {
        var most = (int)Math.Clamp(_options.Integer("max_partitions")!.Value, 1, int.MaxValue);
        var keys = PartitionKey.Parse(_options.List("partition_by"), plan.Schema, _options);
        var partitioner = keys.Count == 0 ? null : new Partitioner(plan.Schema, keys, most, context.Pool);
        var target = layout.PathOf(layout.NameOf("", 0));
        var encoding = new FileEncoding(FormatOf(target), target, partitioner?.FileSchema ?? plan.Schema, _options, context.Pool);
        return new PartsWriter(
            encoding, partitioner, new PartsStaging(_store, layout, plan.RunId, chunk.Index), _options.Size("file_size"), most, chunk, context.Pool);
    }

    private CommitReceipt Publish(CommitRequest request, string target)
    {
        // chunks that came in order are all in what the last of them left
        var staged = request.Parts.Skip(_store.Joins ? 0 : Math.Max(0, request.Parts.Count - 1))
            .Select(static part => part.Location)
            .Where(static location => location.Length > 0).ToList();
        return new CommitReceipt([target], AlreadyCommitted: staged.Count > 0 && !_store.Publish(staged, target, request.Token));
    }

    /// <summary>Where the files of parts are staged.</summary>
    private static IEnumerable<string> StagedOf(IEnumerable<StagedPart> parts, PartsLayout? layout) => parts
        .SelectMany(part => layout is null ? [part.Location] : StagedFilePart.Parse(part.Location).Select(static file => file.Location))
        .Where(static location => location.Length > 0);

    /// <summary>Removes what attempts that died have left. What is published stays so if that fails: the next run finds what is left.</summary>
    private void Discard(IReadOnlyList<string> abandoned)
    {
        try
        {
            foreach (var location in abandoned)
                _store.Discard(location);
        }
        catch (NebulaException)
        {
            // nobody sees it
        }
    }

    private IDisposable Claim(string target, PartsLayout? layout, StreamPlan plan, bool goesOn, CancellationToken cancellationToken)
    {
        var (path, pattern) = ClaimedBy(target, layout);
        return _store.Claim(path, pattern, plan.RunId, goesOn, cancellationToken);
    }

    private static (string Path, string Pattern) ClaimedBy(string target, PartsLayout? layout) =>
        layout is null ? (target, target) : (layout.PathOf(layout.Id), layout.Pattern);

    /// <summary>The columns in the files: all but those whose values are in the names of folders.</summary>
    private static Schema FileSchemaOf(StreamPlan plan, IReadOnlyList<PartitionKey> keys) =>
        new(plan.Schema.Fields.Where((_, i) => !keys.Any(key => key.Column == i && key.Transform == PartitionTransform.Identity)));

    private void Unlock()
    {
        _claim?.Dispose();
        _claim = null;
    }

    private IFileFormat FormatOf(string target) => _format ?? FileFormats.ByPath(FileCodecs.WithoutExtension(target)) ?? throw NebulaException.Configuration(
        $"The format of '{target}' cannot be told from its name. Set 'format' (on the command line --to): {FileFormats.Names}.");

    /// <summary>Where the files go when there may be several; null for one file.</summary>
    private PartsLayout? LayoutOf(string target, StreamPlan plan)
    {
        if (!HasParts(target, plan.Write))
            return null;
        if (_store.GoesOutAtOnce(target))
            throw NebulaException.Configuration(
                $"Options 'file_size' and 'partition_by' of {_options.Owner} make files, which standard output, pipes and devices cannot take. Give a path.",
                _options.LocationOf("path"));
        return PartsLayout.Of(target, FormatOf(target), _options) with { Prefix = plan.Write == WriteMode.Append ? plan.RunId + "-" : "" };
    }

    /// <summary>Whether there may be several files.</summary>
    private bool HasParts(string target, WriteMode write) => (write == WriteMode.Append && _isFolder) || _options.Size("file_size") is not null
        || _options.List("partition_by") is { Count: > 0 } || PathTemplate.IndexOfPart(target) >= 0;

    /// <summary>Where a stream goes: the path itself, or a file in it. Variables of the run are put in.</summary>
    private string TargetOf(StreamPlan plan) => PathTemplate.OfRun(TargetOf(plan.Object), plan.RunId, plan.StartedAt);

    /// <summary>Where an object goes, before the run is known: the path itself, or a file in it.</summary>
    private string TargetOf(string name)
    {
        if (name.Length == 0 || _path == LocalStore.StandardStream)
            return _path;
        // names come from the source, which must not choose what is overwritten elsewhere
        if (!ObjectPath.StaysBelow(name))
            throw NebulaException.Configuration($"The object name '{name}' leads out of '{_path}'. Set 'object' to a name inside of it.");
        return ObjectPath.Combine(_path, name);
    }
}
