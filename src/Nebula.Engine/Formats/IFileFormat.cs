using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats;

/// <summary>
/// A file format: its names, how it keeps types and how it is written. Reading is <see cref="ITextFormat"/> or <see cref="IContainerFormat"/>.
/// </summary>
internal interface IFileFormat
{
    /// <summary>The name that users write.</summary>
    string Name { get; }

    /// <summary>One line for <c>nebula list</c>.</summary>
    string Summary { get; }

    /// <summary>Endings of file names, with their dots, the usual one first.</summary>
    IReadOnlyList<string> Extensions { get; }

    /// <summary>What can be set when the format is read.</summary>
    IReadOnlyList<OptionDescriptor> ReadOptions { get; }

    /// <summary>What can be set when the format is written.</summary>
    IReadOnlyList<OptionDescriptor> WriteOptions { get; }

    /// <summary>
    /// Values of <c>compression</c> that the format applies inside its files, the default first; null for a format whose files are compressed as a whole.
    /// </summary>
    IReadOnlyList<string>? OwnCodecs { get; }

    /// <summary>Whether the format keeps types. One that does not is given the source's own text.</summary>
    bool KeepsTypes { get; }

    /// <summary>Whether a file of the format can be a table without columns, which has no rows either: an empty array, for example.</summary>
    bool AllowsNoColumns => false;

    /// <summary>Whether files can be continued: what was encoded later is put behind what is there, with nothing in between or at the end.</summary>
    /// <param name="options">What the user set.</param>
    bool CanContinue(OptionValues options) => false;

    /// <summary>Whether null and the empty text are two different things in a column of text.</summary>
    /// <param name="schema">The columns that are written.</param>
    /// <param name="options">What the user set.</param>
    bool KeepsEmptyText(Schema schema, OptionValues options) => true;

    /// <summary>How the format stores a type when it is written. For nested types: of the nesting alone, children are asked for apart.</summary>
    /// <param name="type">The type of a column.</param>
    TypeMapping Map(DataType type);

    /// <summary>Makes the encoder of a stream.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="Diagnostics.NebulaException">The format cannot hold a column, or an option is wrong.</exception>
    IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool);
}

/// <summary>
/// Turns rows into bytes; see <see cref="IDestinationWriter.Encode"/>. What stands around and between the blocks of a file is its frame's, so that blocks are
/// independent.
/// </summary>
internal interface IBlockEncoder
{
    /// <summary>How many rows should come at once; null when any number will do.</summary>
    RowTarget? Target => null;

    /// <summary>Turns rows into bytes. Any thread, any order.</summary>
    /// <param name="batch">The rows; its schema is the encoder's.</param>
    EncodedBlock Encode(RecordBatch batch);

    /// <summary>Makes the frame of a new file.</summary>
    IFileFrame CreateFrame();
}

/// <summary>
/// What one file has besides encoded blocks: its start, what stands between blocks, its end (a footer with an index, for example). Used by one caller at a
/// time.
/// </summary>
internal interface IFileFrame
{
    /// <summary>Writes what stands before the first block, even when none follows.</summary>
    /// <param name="output">Takes the bytes.</param>
    void Begin(IFileOutput output);

    /// <summary>Writes the next block, and what stands between it and the one before.</summary>
    /// <param name="block">The block, with rows. It stays the caller's.</param>
    /// <param name="output">Takes the bytes.</param>
    void Add(EncodedBlock block, IFileOutput output);

    /// <summary>Writes what stands behind the last block.</summary>
    /// <param name="output">Takes the bytes.</param>
    void End(IFileOutput output);
}

/// <summary>A file being written.</summary>
internal interface IFileOutput
{
    /// <summary>Bytes written so far. Meaningless where the file is compressed as a whole.</summary>
    long Position { get; }

    /// <summary>Appends bytes of the frame.</summary>
    /// <param name="bytes">The bytes.</param>
    void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Appends the bytes of a block.</summary>
    /// <param name="block">The block. It stays the caller's.</param>
    void Write(EncodedBlock block);
}
