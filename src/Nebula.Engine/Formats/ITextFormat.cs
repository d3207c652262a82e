using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats;

/// <summary>
/// A format whose files are a sequence of records in a byte stream, so that any stream can be cut into blocks of whole records and the blocks
/// decoded in parallel. What was detected about a file travels as a dialect: plain keys and values that people can read and options can override.
/// </summary>
internal interface ITextFormat : IFileFormat
{
    /// <summary>Finds out how the records of a file are written. What the user set in the options is taken as it is, the rest is detected.</summary>
    /// <param name="sample">The first bytes of the file, after decompression.</param>
    /// <param name="isWhole">Whether the sample is the whole file.</param>
    /// <param name="options">What the user set.</param>
    IReadOnlyDictionary<string, string> DetectDialect(ReadOnlySpan<byte> sample, bool isWhole, OptionValues options);

    /// <summary>Makes what turns other encodings into UTF-8 before anything else looks at the bytes; null when the bytes are UTF-8.</summary>
    /// <param name="dialect">The dialect.</param>
    System.Text.Encoding? EncodingOf(IReadOnlyDictionary<string, string> dialect);

    /// <summary>Makes the cutter of one file, or of a range in it.</summary>
    /// <param name="dialect">The dialect.</param>
    /// <param name="name">The file, for messages.</param>
    /// <param name="inside">Whether what it is given starts with a record in the middle of the file, where <see cref="FindRecordStart"/> found one.</param>
    IRecordSplitter CreateSplitter(IReadOnlyDictionary<string, string> dialect, string name, bool inside = false);

    /// <summary>
    /// Finds a record in the middle of a file, so that it can be split into ranges. It may be mistaken: whoever reads the range in front of it sees whether a
    /// record ends there.
    /// </summary>
    /// <param name="dialect">The dialect.</param>
    /// <param name="window">Bytes from the middle of the file. <see cref="BufferPool.Padding"/> bytes behind them are readable.</param>
    /// <returns>Where a record starts, behind the first byte; -1 when none can be told.</returns>
    int FindRecordStart(IReadOnlyDictionary<string, string> dialect, ReadOnlySpan<byte> window) => -1;

    /// <summary>Makes what finds the columns and types of a file.</summary>
    /// <param name="dialect">The dialect.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="name">The file, for messages.</param>
    ISchemaInferrer CreateInferrer(IReadOnlyDictionary<string, string> dialect, DiscoverRequest request, string name);

    /// <summary>
    /// Gives the dialect of files that this format has written, without a look at them. The decoder then reads every value with the type that was written.
    /// </summary>
    /// <param name="schema">The columns that were written.</param>
    /// <param name="options">What the user set for writing.</param>
    IReadOnlyDictionary<string, string> DescribeWritten(Schema schema, OptionValues options);

    /// <summary>Makes the decoder of all blocks of a stream.</summary>
    /// <param name="plan">The columns wanted; <see cref="CatalogStream.Details"/> of its stream holds the dialect.</param>
    /// <param name="pool">Where the columns' buffers come from.</param>
    IBlockDecoder CreateDecoder(StreamPlan plan, BufferPool pool);
}

/// <summary>Cuts a byte stream where records end. Sees the stream in order and keeps what it must remember between calls.</summary>
internal interface IRecordSplitter
{
    /// <summary>Finds the longest prefix that holds whole records only.</summary>
    /// <param name="bytes">The stream from the last cut on. After a call that returned 0 the same bytes come again, with more behind them. <see
    /// cref="BufferPool.Padding"/> bytes behind are readable.</param>
    /// <param name="endOfInput">Whether nothing follows; then everything is returned, unless it is nothing or cannot be a record.</param>
    /// <param name="context">What the decoder must know about the prefix; see <see cref="RawBlock.Context"/>.</param>
    /// <returns>Length of the prefix; 0 when no record ends in the bytes.</returns>
    /// <exception cref="Diagnostics.DataFormatException">The stream cannot go on like this.</exception>
    int FindBoundary(ReadOnlySpan<byte> bytes, bool endOfInput, out int context);
}

/// <summary>Collects what is needed to name and type the columns of a stream.</summary>
internal interface ISchemaInferrer
{
    /// <summary>Looks at a block of whole records, in order.</summary>
    /// <param name="block">The block, as the splitter cut it. <see cref="BufferPool.Padding"/> bytes behind it are readable.</param>
    /// <param name="context">What the splitter said about it.</param>
    void Observe(ReadOnlySpan<byte> block, int context);

    /// <summary>Whether any record was observed, good or bad; without one types cannot be known yet.</summary>
    bool HasRecords { get; }

    /// <summary>Why the first record that could not be read was passed over; null when there was none, or the format takes everything.</summary>
    DataFormatException? FirstRefused => null;

    /// <summary>The columns that hold everything observed without loss.</summary>
    Schema Build();
}

/// <summary>Turns blocks into rows; see <see cref="ISourceReader.Decode"/>.</summary>
internal interface IBlockDecoder
{
    /// <inheritdoc cref="ISourceReader.Decode"/>
    void Decode(RawBlock block, IDecodeSink sink);
}
