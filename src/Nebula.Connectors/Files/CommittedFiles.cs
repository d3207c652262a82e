using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>Reads files that a run wrote with the columns and types that it wrote: nothing is detected or inferred.</summary>
internal sealed class CommittedFiles
{
    private readonly IFileFormat _format;
    private readonly IObjectStore _store;
    private readonly OptionValues _written;
    private readonly StreamPlan _plan;
    private readonly Schema _fileSchema;

    /// <summary>Makes the reader of a stream's files.</summary>
    /// <param name="format">Their format.</param>
    /// <param name="store">Where they are; stays the caller's.</param>
    /// <param name="written">What the user set for writing.</param>
    /// <param name="plan">The stream as it was written.</param>
    /// <param name="fileSchema">Those of its columns that are in the files; the others are in the names of folders.</param>
    public CommittedFiles(IFileFormat format, IObjectStore store, OptionValues written, StreamPlan plan, Schema fileSchema)
    {
        _format = format;
        _store = store;
        _written = written;
        _plan = plan;
        _fileSchema = fileSchema;
    }

    /// <summary>The rows of some files.</summary>
    /// <param name="firstPart">Position of the first part that is in them.</param>
    /// <param name="partCount">Number of parts.</param>
    /// <param name="location">Where they are, for people.</param>
    /// <param name="files">Their paths, and their paths relative to the folder above all partitions.</param>
    public CommittedRows Of(int firstPart, int partCount, string location, IReadOnlyList<(string Path, string Name)> files) => new(
        firstPart, partCount, files.Count == 1 ? files[0].Path : location, async (context, cancellationToken) =>
        {
            var stored = new List<StoredObject>(files.Count);
            foreach (var (path, name) in files)
            {
                var listed = await _store.ListAsync(path, cancellationToken).ConfigureAwait(false);
                stored.Add(listed.Count == 1 ? listed[0] with { Name = name } : throw _store.Missing(path));
            }
            return await Task.Run(() => Open(stored, context), cancellationToken).ConfigureAwait(false);
        });

    private ISourceReader Open(List<StoredObject> files, ReadContext context)
    {
        var options = ReadOptions(files);
        // it owns nothing but the store, which is not ours to dispose of
        var opener = new FileOpener(_store, options);
        var schema = _fileSchema;
        var details = new Dictionary<string, string>();
        if (_format is IContainerFormat container && files.Count > 0)
            schema = SchemaOf(container, files[0], opener, options, context);
        else if (_format is ITextFormat text)
            details = new Dictionary<string, string>(text.DescribeWritten(_fileSchema, _written));
        var inFolders = _plan.Schema.Fields.Where(field => _fileSchema.IndexOf(field.Name) < 0).ToList();
        if (schema.Fields.Length != _fileSchema.Fields.Length)
            throw new NebulaException(ErrorKind.Schema,
                $"The file has {schema.Fields.Length} columns; {_fileSchema.Fields.Length} were written.",
                new SourceLocation(files[0].Path));
        var plan = (_plan with
        {
            Stream = _plan.Stream with { Schema = new Schema([.. schema.Fields, .. inFolders]), Details = details },
            // a format may have names of its own for columns, but not another order
            Columns = [.. _plan.Columns.Select(column => _fileSchema.IndexOf(column.Field.Name) is >= 0 and var i
                ? new PlannedColumn(schema.Fields[i].Name, column.Field) { TypeIsFixed = true }
                : new PlannedColumn(column.Field.Name, column.Field) { TypeIsFixed = true })],
            Lossy = LossyPolicy.Allow,
        }).Build();
        var chunk = new FileChunk(files);
        return inFolders.Count > 0
            ? new PartitionedReader(
                plan, [.. inFolders.Select(static field => field.Name)], files, context.Pool, read => OpenFiles(chunk, opener, options, read, context))
            : OpenFiles(chunk, opener, options, plan, context);
    }

    private ISourceReader OpenFiles(FileChunk chunk, FileOpener opener, OptionValues options, StreamPlan plan, ReadContext context) =>
        _format is IContainerFormat container
            ? new ContainerFileReader(container, chunk, opener.Fork(), options, plan, context)
            : new TextFileReader((ITextFormat)_format, chunk, opener.Fork(), plan, context);

    /// <summary>The columns as a file has them: with types of the format's own, which hold those that were written.</summary>
    private static Schema SchemaOf(IContainerFormat format, StoredObject file, FileOpener opener, OptionValues options, ReadContext context)
    {
        using var opened = format.Open(opener.OpenRandom(file), options, context.Pool);
        return opened.Schema;
    }

    private OptionValues ReadOptions(List<StoredObject> files)
    {
        var place = _written.LocationOf("path")!.Value;
        var values = new List<KeyValuePair<string, OptionValue>> { new("path", new OptionValue([_written.Text("path")!], place)) };
        if (_format.OwnCodecs is null && files.Count > 0)
            values.Add(new("compression", new OptionValue([FileCodecs.ForWriting(files[0].Path, _written).Name], place)));
        return new OptionValues(_written.Owner, FileOptions.ForSource(_format), values);
    }
}
