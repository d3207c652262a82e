using Nebula.Connectors.Files.Output;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>Files as a destination: format x codec x store. A stream becomes one file, which appears whole or not at all, or the files of a folder (see <see cref="PartsCommit"/>).</summary>
internal sealed class FileDestination : IDestination
{
    private readonly OptionValues _options;
    private readonly IFileFormat? _format;
    private readonly IObjectStore _store;
    private readonly string _path;
    private readonly bool _isFolder;
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
            CanRestart = _path != LocalStore.StandardStream,
            AcceptsManyStreams = _isFolder,
        };
    }

    public DestinationCapabilities Capabilities { get; }

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
            _store.CheckWritable(_path);
            return Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("writable", true, $"'{_path}' can be written")]);
        }
        catch (NebulaException e)
        {
            return Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("writable", false, e.Message)]);
        }
    }

    public Task PrepareAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        var target = TargetOf(plan);
        var layout = LayoutOf(target);
        // a wrong option is found before anything moves
        if (layout is not null)
            _ = PartitionKey.Parse(_options.List("partition_by"), plan.Schema, _options);
        Unlock();
        _claim = layout is null ? _store.Claim(target, target, plan.RunId, cancellationToken) : _store.Claim(layout.PathOf(layout.Id), layout.Pattern, plan.RunId, cancellationToken);
        return Task.CompletedTask;
    }

    public Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken)
    {
        var target = TargetOf(plan);
        return Task.FromResult<IDestinationWriter>(LayoutOf(target) is { } layout
            ? OpenParts(plan, layout, chunk, context)
            : new FileWriter(new FileEncoding(FormatOf(target), target, plan.Schema, _options, context.Pool), _store.Stage(target, plan.RunId), chunk));
    }

    public Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        var target = TargetOf(request.Plan);
        if (LayoutOf(target) is { } layout)
            return Task.FromResult(new PartsCommit(_store, layout).Publish(request));
        var staged = request.Parts.Select(static part => part.Location).Where(static location => location.Length > 0).ToList();
        return Task.FromResult(new CommitReceipt([target], AlreadyCommitted: staged.Count > 0 && !_store.Publish(staged, target, request.Token)));
    }

    public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        if (LayoutOf(TargetOf(plan)) is { } layout)
            new PartsCommit(_store, layout).Discard(parts);
        else
            foreach (var part in parts)
                if (part.Location.Length > 0)
                    _store.Discard(part.Location);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        Unlock();
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

    private void Unlock()
    {
        _claim?.Dispose();
        _claim = null;
    }

    private IFileFormat FormatOf(string target) => _format ?? FileFormats.ByPath(FileCodecs.WithoutExtension(target)) ?? throw NebulaException.Configuration(
        $"The format of '{target}' cannot be told from its name. Set 'format' ({string.Join(", ", FileFormats.All.Select(static f => f.Name))}).");

    /// <summary>Where the files go when there may be several; null for one file.</summary>
    private PartsLayout? LayoutOf(string target)
    {
        if (_options.Size("file_size") is null && _options.List("partition_by") is null or [] && PathTemplate.IndexOfPart(target) < 0)
            return null;
        if (target == LocalStore.StandardStream)
            throw NebulaException.Configuration($"Options 'file_size' and 'partition_by' of {_options.Owner} make files, which standard output cannot take. Give a path.", _options.LocationOf("path"));
        return PartsLayout.Of(target, FormatOf(target), _options);
    }

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
