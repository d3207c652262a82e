using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Compression;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>Files as a destination: format x codec x store. A stream becomes one file, which appears whole or not at all.</summary>
internal sealed class FileDestination : IDestination
{
    private readonly OptionValues _options;
    private readonly IFileFormat? _format;
    private readonly IObjectStore _store;
    private readonly string _path;
    private readonly bool _isFolder;

    /// <param name="options">What the user set.</param>
    /// <param name="format">The format, when the connector's name is one; null to go by the file's name.</param>
    /// <param name="store">Where the files go.</param>
    public FileDestination(OptionValues options, IFileFormat? format, IObjectStore store)
    {
        _options = options;
        _format = format ?? (options.Text("format") is { } name ? FileFormats.ByName(name) : null);
        _store = store;
        _path = options.Text("path")!;
        _isFolder = _path != LocalStore.StandardStream && (Path.EndsInDirectorySeparator(_path) || Directory.Exists(_path));
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
            // a check leaves nothing behind, so folders that are still missing are not made
            var folder = _isFolder ? _path : Path.GetDirectoryName(Path.GetFullPath(_path))!;
            while (!Directory.Exists(folder) && Path.GetDirectoryName(Path.GetFullPath(folder)) is { } above)
                folder = above;
            using (_store.Stage(Path.Combine(folder, "nebula-check"), "check"))
                return Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("writable", true, $"'{_path}' can be written")]);
        }
        catch (NebulaException e)
        {
            return Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("writable", false, e.Message)]);
        }
    }

    public Task PrepareAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        _store.DiscardLeftovers(TargetOf(plan.Object));
        return Task.CompletedTask;
    }

    public Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken)
    {
        var target = TargetOf(plan.Object);
        var format = FormatOf(target);
        var encoder = format.CreateEncoder(plan.Schema, _options, context.Pool);
        var codec = format.OwnCodecs is null ? FileCodecs.ForWriting(target, _options) : CompressionCodecs.None;
        var compressor = codec == CompressionCodecs.None ? null : codec.CreateCompressor((int?)_options.Integer("compression_level"));
        return Task.FromResult<IDestinationWriter>(new FileWriter(encoder, compressor, _store.Stage(target, plan.RunId), chunk, context.Pool));
    }

    public Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        var target = TargetOf(request.Plan.Object);
        foreach (var part in request.Parts)
            if (part.Location.Length > 0)
                _store.Publish(part.Location, target);
        return Task.FromResult(new CommitReceipt([target]));
    }

    public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        foreach (var part in parts)
            if (part.Location.Length > 0)
                _store.Discard(part.Location);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => default;

    private IFileFormat FormatOf(string target) => _format ?? FileFormats.ByPath(FileCodecs.WithoutExtension(target)) ?? throw NebulaException.Configuration(
        $"The format of '{target}' cannot be told from its name. Set 'format' ({string.Join(", ", FileFormats.All.Select(static f => f.Name))}).");

    /// <summary>The file that a stream goes to: the path itself, or a file in it.</summary>
    private string TargetOf(string name)
    {
        if (name.Length == 0 || _path == LocalStore.StandardStream)
            return _path;
        // names come from the source, which must not choose what is overwritten elsewhere
        if (Path.IsPathRooted(name) || name.Split('/', '\\').Contains(".."))
            throw NebulaException.Configuration($"The object name '{name}' leads out of '{_path}'. Set 'object' to a name inside of it.");
        return Path.Combine(_path, name);
    }
}
