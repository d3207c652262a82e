using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Cuts a stripe into blocks: at row groups where its indexes are there and make sense, else it is one block.</summary>
/// <param name="file">The file.</param>
/// <param name="wanted">Per column whether it is read.</param>
/// <param name="blockSize">Bytes that a block should have.</param>
/// <param name="firstStripe">Number of the stripe that is cut first.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class StripeCutter(OrcFile file, bool[] wanted, int blockSize, int firstStripe, BufferPool pool)
{
    // What a run that starts before a row group ends may need behind the place where the next one starts, without compression.
    private const int LongestRuns = 16 << 10;

    // How many times the block size a block may have, when that saves reading the same chunks again and again.
    private const int MostOvershoot = 4;
    private readonly Dictionary<int, OrcType> _types = Index(file.Footer.Root);
    private long _firstRow = file.Footer.Stripes.Take(firstStripe).Sum(static stripe => stripe.Rows);

    /// <summary>Reads the footer of a stripe and says what its blocks hold.</summary>
    /// <param name="number">Number of the stripe.</param>
    public List<StripeBlock> Cut(int number)
    {
        var stripe = file.Footer.Stripes[number];
        var footer = OrcInspection.ReadStripeFooter(file, stripe, pool);
        var zone = footer.WriterTimeZone is { } name && NeedsZone(footer) ? TimeZoneRules.Find(name) : TimeZoneRules.Utc;
        var streams = footer.Streams.Where(IsWanted).OrderBy(static stream => stream.Column).ToArray();
        var firstRow = _firstRow;
        _firstRow += stripe.Rows;
        return CutAtRowGroups(number, firstRow, footer, zone, streams)
            ?? [new StripeBlock(number, firstRow, stripe.Rows, footer, zone,
                [.. streams.Select(static stream => new StreamSlice(stream.Kind, stream.Column, stream.Offset, stream.Length, 0, null, null))])];
    }

    private static Dictionary<int, OrcType> Index(OrcType root)
    {
        var types = new Dictionary<int, OrcType>();
        var rest = new Stack<OrcType>([root]);
        while (rest.TryPop(out var type))
        {
            types[type.Id] = type;
            foreach (var child in type.Children)
                rest.Push(child);
        }
        return types;
    }

    /// <summary>An empty stream of nulls says nothing; other streams may have nothing to say.</summary>
    private bool IsWanted(StreamInformation stream) => wanted[stream.Column] && (stream.Length > 0 || stream.Kind != StreamKind.Present)
        && stream.Kind is StreamKind.Present or StreamKind.Data or StreamKind.Length or StreamKind.DictionaryData or StreamKind.Secondary;

    private bool NeedsZone(StripeFooter footer) => footer.Streams.Any(stream => IsWanted(stream) && _types[stream.Column].Kind == OrcTypeKind.Timestamp);

    private List<StripeBlock>? CutAtRowGroups(int number, long firstRow, StripeFooter footer, TimeZoneRules zone, StreamInformation[] streams)
    {
        var stripe = file.Footer.Stripes[number];
        long stride = file.Footer.RowIndexStride;
        var total = streams.Sum(static stream => stream.Length);
        if (!file.UsesRowIndex || stride == 0 || stripe.Rows <= stride || total < blockSize + blockSize / 2)
            return null;
        var groups = (int)Math.Min((stripe.Rows + stride - 1) / stride, int.MaxValue);
        if (ReadPositions(footer, streams, groups) is not { } positions)
            return null;
        var perBlock = GroupsPerBlock(footer, streams, total, groups);
        if (perBlock >= groups)
            return null;
        var blocks = new List<StripeBlock>();
        for (var first = 0; first < groups; first += perBlock)
        {
            var end = Math.Min(first + perBlock, groups);
            var slices = new StreamSlice[streams.Length];
            for (var i = 0; i < streams.Length; i++)
                slices[i] = Slice(streams[i], IsDictionary(footer, streams[i]) ? null : positions[streams[i].Column], first, end, groups);
            var rows = Math.Min(end * stride, stripe.Rows) - first * stride;
            blocks.Add(new StripeBlock(number, firstRow + first * stride, rows, footer, zone, slices));
        }
        return blocks;
    }

    private int GroupsPerBlock(StripeFooter footer, StreamInformation[] streams, long total, int groups)
    {
        var dictionaries = streams.Where(stream => IsDictionary(footer, stream)).Sum(static stream => stream.Length);
        // chunks on the edges of a block are read twice
        var edges = file.PostScript.Compression == OrcCompression.None ? 0
            : streams.Sum(stream => Math.Min(stream.Length, file.PostScript.CompressionBlockSize / 4L));
        var size = Math.Clamp(2 * (dictionaries + edges), blockSize, (long)blockSize * MostOvershoot);
        return (int)Math.Clamp(size * groups / Math.Max(total - dictionaries, 1), 1, groups);
    }

    /// <summary>Streams that hold a dictionary are needed by every block.</summary>
    private static bool IsDictionary(StripeFooter footer, StreamInformation stream) =>
        stream.Kind == StreamKind.DictionaryData || stream.Kind == StreamKind.Length && footer.Encodings[stream.Column].HasDictionary;

    private StreamSlice Slice(StreamInformation stream, Dictionary<StreamKind, GroupPosition>[]? positions, int first, int end, int groups)
    {
        if (positions is null)
            return new StreamSlice(stream.Kind, stream.Column, stream.Offset, stream.Length, 0, null, null);
        var start = positions[first][stream.Kind];
        var from = Math.Min(start.Stream.Chunk, stream.Length);
        if (end == groups)
            return new StreamSlice(stream.Kind, stream.Column, stream.Offset + from, stream.Length - from, from, start, null);
        var behind = positions[end][stream.Kind];
        var to = Math.Clamp(EndOf(stream, positions, end, behind), from, stream.Length);
        return new StreamSlice(stream.Kind, stream.Column, stream.Offset + from, to - from, from, start, behind);
    }

    /// <summary>How far a stream must be read so that all values before a position are there.</summary>
    private long EndOf(StreamInformation stream, Dictionary<StreamKind, GroupPosition>[] positions, int group, GroupPosition position)
    {
        if (file.PostScript.Compression == OrcCompression.None)
            return position.Stream.Chunk + (position.Values > 0 || position.Bits > 0 ? LongestRuns : 0);
        var chunks = (position.Stream.Offset > 0 ? 1 : 0) + (position.Values > 0 || position.Bits > 0 ? 1 : 0);
        var end = position.Stream.Chunk;
        // later row groups tell where chunks start; without them a chunk is as large as it can be
        var next = group + 1;
        for (; chunks > 0; chunks--)
        {
            while (next < positions.Length && positions[next][stream.Kind].Stream.Chunk <= end)
                next++;
            var largest = end + ChunkDecompressor.HeaderLength + file.PostScript.CompressionBlockSize;
            end = next < positions.Length ? Math.Min(positions[next][stream.Kind].Stream.Chunk, largest) : largest;
        }
        return end;
    }

    /// <summary>Reads the indexes of all columns that are read; null when they are missing or strange.</summary>
    private Dictionary<int, Dictionary<StreamKind, GroupPosition>[]>? ReadPositions(StripeFooter footer, StreamInformation[] streams, int groups)
    {
        var result = new Dictionary<int, Dictionary<StreamKind, GroupPosition>[]>();
        foreach (var column in streams.GroupBy(static stream => stream.Column))
        {
            var index = footer.Streams.FirstOrDefault(stream => stream.Kind == StreamKind.RowIndex && stream.Column == column.Key);
            if (index.Length == 0)
                return null;
            using var content = file.ReadMetadata(pool, index.Offset, index.Length, "row index");
            var entries = RowIndex.ParsePositions(content.Content);
            if (entries.Count != groups)
                return null;
            var positions = new Dictionary<StreamKind, GroupPosition>[groups];
            for (var i = 0; i < groups; i++)
            {
                if (GroupPositions.Parse(entries[i], _types[column.Key], footer.Encodings[column.Key],
                    column.Any(static stream => stream.Kind == StreamKind.Present),
                    file.PostScript.Compression != OrcCompression.None, file.PostScript.IsUnstableVersion2) is not { } parsed)
                    return null;
                foreach (var stream in column)
                    if (!IsDictionary(footer, stream) && (!parsed.TryGetValue(stream.Kind, out var position) || position.Stream.Chunk > stream.Length
                        || i > 0 && position.Stream.Chunk < positions[i - 1][stream.Kind].Stream.Chunk))
                        return null;
                positions[i] = parsed;
            }
            result[column.Key] = positions;
        }
        return result;
    }
}
