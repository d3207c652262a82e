using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>
/// Writes the leaves of one row group, one chunk behind the other: dictionary page, data pages of version 1, and what the footer says about them. Not
/// thread-safe.
/// </summary>
internal sealed class ColumnChunkEncoder : IDisposable
{
    /// <summary>Most rows of a page: page indexes can tell of so many at once that they are not wanted.</summary>
    public const int MaxPageRows = 20_480;

    /// <summary>Bytes of a page before it is compressed, as far as single rows allow.</summary>
    public const int PageSize = 1 << 20;

    // ten numbers of at most five bytes, each behind a byte for its field, and four bytes around them
    private const int MaxHeader = 64;

    private readonly ParquetWriteOptions _options;
    private readonly GrowingBuffer _output;
    private readonly WriteWorkspace _workspace;
    private readonly PageCompressor _compressor;
    private readonly EncodingPlanner _planner;
    private readonly ThriftCompactWriter _header = new();

    /// <summary>Makes an encoder.</summary>
    /// <param name="options">What the user set.</param>
    /// <param name="output">Takes the pages of all chunks.</param>
    /// <param name="pool">Where working memory comes from.</param>
    public ColumnChunkEncoder(ParquetWriteOptions options, GrowingBuffer output, BufferPool pool)
    {
        _options = options;
        _output = output;
        _workspace = new WriteWorkspace(pool);
        _compressor = new PageCompressor(options.Codec, options.CompressionLevel, pool);
        _planner = new EncodingPlanner(_compressor, options.UseDeltaEncodings, _workspace);
    }

    /// <summary>Writes one leaf.</summary>
    /// <param name="entries">The leaf.</param>
    /// <param name="hasBloomFilter">Whether it gets a Bloom filter.</param>
    public EncodedChunk Encode(LeafEntries entries, bool hasBloomFilter)
    {
        var values = ChunkValuesFactory.Create(entries, _workspace);
        values.Plan(_planner);
        var chunk = new ChunkProgress(entries, values, _output.Length);
        if (values.DictionaryCount > 0)
            WriteDictionaryPage(chunk);
        chunk.FirstDataPage = _output.Length;
        for (var row = 0; row < entries.Rows;)
            row += WritePages(chunk, row, Math.Min(MaxPageRows, entries.Rows - row));
        return Finish(chunk, hasBloomFilter);
    }

    /// <summary>Returns working memory.</summary>
    public void Dispose()
    {
        _compressor.Dispose();
        _workspace.Dispose();
    }

    /// <summary>Writes rows as a page, or as more where they are large.</summary>
    /// <returns>The number of rows.</returns>
    private int WritePages(ChunkProgress chunk, int row, int rows)
    {
        var (first, end) = (chunk.Entries.EntryOf(row), chunk.Entries.EntryOf(row + rows));
        var valueCount = chunk.Entries.CountValues(first, end - first);
        if (rows > 1 && chunk.Values.SizeOf(chunk.NextValue, valueCount) + (end - first) / 4 > PageSize)
        {
            var half = rows / 2;
            WritePages(chunk, row, half);
            WritePages(chunk, row + half, rows - half);
            return rows;
        }
        WriteDataPage(chunk, row, first, end - first, valueCount);
        chunk.NextValue += valueCount;
        return rows;
    }

    private void WriteDataPage(ChunkProgress chunk, int row, int first, int count, int valueCount)
    {
        var page = _workspace.Page;
        page.Truncate(0);
        WriteLevels(chunk.Entries, first, count, page);
        chunk.Values.Write(chunk.NextValue, valueCount, page);
        var position = _output.Length;
        WritePage(chunk, new PageHeader
        {
            Type = PageType.Data,
            UncompressedSize = page.Length,
            CompressedSize = 0,
            ValueCount = count,
            Encoding = chunk.Values.Encoding,
            DefinitionLevelEncoding = PageEncoding.Rle,
            RepetitionLevelEncoding = PageEncoding.Rle,
        });
        chunk.Pages.Add(new PageLocation(position, _output.Length - position, row));
        chunk.AddBounds(chunk.Values.BoundsOf(chunk.NextValue, valueCount), valueCount, count - valueCount);
    }

    private void WriteDictionaryPage(ChunkProgress chunk)
    {
        var page = _workspace.Page;
        page.Truncate(0);
        chunk.Values.WriteDictionary(page);
        WritePage(chunk, new PageHeader
        {
            Type = PageType.Dictionary,
            UncompressedSize = page.Length,
            CompressedSize = 0,
            ValueCount = chunk.Values.DictionaryCount,
            Encoding = PageEncoding.Plain,
            IsSorted = chunk.Values.IsDictionarySorted,
        });
    }

    private void WritePage(ChunkProgress chunk, in PageHeader header)
    {
        var page = _workspace.Page;
        // the header tells the size of what stands behind it: that is written first, and moved up. A buffer of its own would hold a giant value once more.
        var start = _output.Length;
        _output.Extend(MaxHeader);
        _compressor.Compress(page.Content, _output);
        var stored = _output.Content[(start + MaxHeader)..];
        uint? checksum = _options.WritePageChecksums ? Crc32.Update(0, stored) : null;
        _header.Clear();
        PageHeaderWriter.Write(header with { CompressedSize = stored.Length, Crc = checksum }, _header);
        var place = _output.Content[start..];
        stored.CopyTo(place[_header.Length..]);
        _header.Written.CopyTo(place);
        _output.Truncate(start + _header.Length + stored.Length);
        chunk.UncompressedSize += _header.Length + page.Length;
    }

    /// <summary>Writes levels, each kind behind its length in bytes, where the schema needs them.</summary>
    private static void WriteLevels(LeafEntries entries, int first, int count, GrowingBuffer page)
    {
        var field = entries.Field;
        if (entries.RepetitionLevels is { } repetition)
            WriteLevels(repetition, first, count, field.MaxRepetitionLevel, page);
        if (field.MaxDefinitionLevel == 0)
            return;
        if (entries.DefinitionLevels is { } definition)
        {
            WriteLevels(definition, first, count, field.MaxDefinitionLevel, page);
            return;
        }
        var start = BeginLevels(page);
        if (entries.Column.NullCount == 0)
            RleBitPackedWriter.WriteRepeated(1, count, 1, page);
        else
            RleBitPackedWriter.WriteBits(entries.Column.Validity, first, count, page);
        EndLevels(page, start);
    }

    private static void WriteLevels(PooledBuffer levels, int first, int count, int max, GrowingBuffer page)
    {
        var start = BeginLevels(page);
        RleBitPackedWriter.WriteBytes(levels.Span.Slice(first, count), BitPacker.WidthOf((ulong)max), page);
        EndLevels(page, start);
    }

    private static int BeginLevels(GrowingBuffer page)
    {
        page.Append(0);
        return page.Length;
    }

    private static void EndLevels(GrowingBuffer page, int start) => BitConverter.TryWriteBytes(page.Content[(start - sizeof(int))..], page.Length - start);

    private EncodedChunk Finish(ChunkProgress chunk, bool hasBloomFilter)
    {
        var (entries, values) = (chunk.Entries, chunk.Values);
        BloomFilter? filter = null;
        if (hasBloomFilter && values is not BooleanChunk)
        {
            filter = new BloomFilter(values.DistinctCount ?? entries.ValueCount);
            values.AddTo(filter);
        }
        var hasDictionary = values.DictionaryCount > 0;
        var metadata = new ColumnMetadata
        {
            Type = entries.Field.PhysicalType,
            Encodings = EncodingsOf(entries, values),
            PathInSchema = entries.Field.Path,
            Codec = _options.Codec,
            ValueCount = entries.Count,
            TotalUncompressedSize = chunk.UncompressedSize,
            TotalCompressedSize = _output.Length - chunk.Start,
            DataPageOffset = chunk.FirstDataPage,
            DictionaryPageOffset = hasDictionary ? chunk.Start : null,
            Statistics = chunk.Statistics(),
            EncodingStats =
            [
                .. hasDictionary ? [new PageEncodingStats(PageType.Dictionary, PageEncoding.Plain, 1)] : ImmutableArray<PageEncodingStats>.Empty,
                new PageEncodingStats(PageType.Data, values.Encoding, chunk.Pages.Count),
            ],
        };
        return new EncodedChunk(metadata, chunk.ColumnIndex(), new OffsetIndex { Pages = [.. chunk.Pages] }, filter);
    }

    private static ImmutableArray<PageEncoding> EncodingsOf(LeafEntries entries, ChunkValues values)
    {
        var encodings = ImmutableArray.CreateBuilder<PageEncoding>(3);
        encodings.Add(values.Encoding);
        if (values.DictionaryCount > 0)
            encodings.Add(PageEncoding.Plain);
        if (entries.Field.MaxDefinitionLevel > 0)
            encodings.Add(PageEncoding.Rle);
        return encodings.DrainToImmutable();
    }
}
