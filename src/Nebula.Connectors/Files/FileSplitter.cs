using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>
/// Splits the files of a stream into chunks of about one size: small files together, large ones at byte ranges (text) or between their row groups, stripes or
/// blocks. A file that is compressed as a whole, or that has records whose ends cannot be told from the middle, stays in one piece.
/// </summary>
/// <param name="format">The format of all files.</param>
/// <param name="dialect">How text files are written.</param>
/// <param name="opener">Opens them.</param>
/// <param name="options">What the user set.</param>
/// <param name="chunkBytes">About how many stored bytes a chunk should have.</param>
internal sealed class FileSplitter(IFileFormat format, IReadOnlyDictionary<string, string> dialect, FileOpener opener, OptionValues options, long chunkBytes)
{
    // in so many bytes behind the wanted place a record should begin
    private const int SmallWindow = 64 << 10;
    private const int LargeWindow = 1 << 20;

    /// <summary>Splits files, in their order.</summary>
    public IEnumerable<FileChunk> Split(IEnumerable<StoredObject> files)
    {
        var together = new List<StoredObject>();
        var bytes = 0L;
        foreach (var file in files)
        {
            var size = file.Size ?? 0;
            if (together.Count > 0 && bytes + size > chunkBytes)
                yield return Take();
            if (size > chunkBytes)
            {
                foreach (var piece in Pieces(file))
                    yield return piece;
                continue;
            }
            together.Add(file);
            bytes += size;
        }
        if (together.Count > 0)
            yield return Take();

        FileChunk Take()
        {
            var chunk = new FileChunk([.. together]);
            together.Clear();
            bytes = 0;
            return chunk;
        }
    }

    /// <summary>Stored bytes of a chunk; null when unknown.</summary>
    public static long? BytesOf(FileChunk chunk) => chunk.Range is { } range ? range.End - range.Start
        : chunk.Parts is not null || !chunk.Files.All(static file => file.Size is not null) ? null : chunk.Files.Sum(static file => file.Size);

    private IEnumerable<FileChunk> Pieces(StoredObject file)
    {
        var whole = new FileChunk([file]);
        if (!opener.HasParts(file))
            return [whole];
        return format switch
        {
            IContainerFormat container => Parts(container, file).Select(parts => whole with { Parts = parts }),
            ITextFormat text when text.EncodingOf(dialect) is null => Ranges(text, file).Select(range => whole with { Range = range }),
            _ => [whole],
        };
    }

    private List<FileParts> Parts(IContainerFormat container, StoredObject file)
    {
        using var opened = container.Open(opener.OpenStored(file), options, BufferPool.Shared);
        var pieces = new List<FileParts>();
        var (first, bytes) = (0, 0L);
        for (var i = 0; i < opened.Parts.Count; i++)
        {
            var part = opened.Parts[i].Bytes;
            if (i > first && bytes + part > chunkBytes)
            {
                pieces.Add(new FileParts(first, i - first));
                (first, bytes) = (i, 0);
            }
            bytes += part;
        }
        pieces.Add(new FileParts(first, opened.Parts.Count - first));
        return pieces;
    }

    private List<FileRange> Ranges(ITextFormat text, StoredObject file)
    {
        using var bytes = opener.OpenStored(file);
        var size = bytes.Length;
        var pieces = (size + chunkBytes - 1) / chunkBytes;
        var ranges = new List<FileRange>();
        var start = 0L;
        for (var i = 1L; i < pieces; i++)
        {
            var wanted = size / pieces * i;
            if (wanted <= start || FindStart(text, bytes, wanted) is not { } found)
                continue;
            ranges.Add(new FileRange(start, found, EndsFile: false));
            start = found;
        }
        ranges.Add(new FileRange(start, size, EndsFile: true));
        return ranges;
    }

    private long? FindStart(ITextFormat text, IRandomAccess bytes, long wanted)
    {
        foreach (var size in (ReadOnlySpan<int>)[SmallWindow, LargeWindow])
        {
            using var window = BufferPool.Shared.Rent(size);
            window.Length = (int)Math.Min(size, bytes.Length - wanted);
            bytes.Read(wanted, window.Content);
            if (text.FindRecordStart(dialect, window.Content) is >= 0 and var found)
                return wanted + found;
        }
        return null;
    }
}
