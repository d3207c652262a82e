using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats;

/// <summary>
/// A binary format whose files carry their schema and consist of parts that can be read on their own: Parquet's row groups, ORC's stripes, Avro's blocks,
/// Arrow's batches.
/// </summary>
internal interface IContainerFormat : IFileFormat
{
    /// <summary>Whether a file starts as files of the format do.</summary>
    /// <param name="head">Its first bytes, up to 16.</param>
    bool Matches(ReadOnlySpan<byte> head);

    /// <summary>Opens a file: reads and checks its schema and where its parts are, no values.</summary>
    /// <param name="bytes">The file, which the result owns, also when this throws.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="Diagnostics.DataFormatException">The file is corrupt, encrypted or uses what is not supported; says which, and at what
    /// byte.</exception>
    IContainerFile Open(IRandomAccess bytes, OptionValues options, BufferPool pool);
}

/// <summary>The bytes of a file, in any order. <see cref="Read"/> may be called by many threads at once.</summary>
internal interface IRandomAccess : IDisposable
{
    /// <summary>The file, for messages.</summary>
    string Name { get; }

    /// <summary>Number of bytes.</summary>
    long Length { get; }

    /// <summary>Reads bytes.</summary>
    /// <param name="offset">Where they start.</param>
    /// <param name="target">Is filled whole.</param>
    /// <exception cref="Diagnostics.DataFormatException">The file does not have the bytes.</exception>
    void Read(long offset, Span<byte> target);
}

/// <summary>An open file of a container format.</summary>
internal interface IContainerFile : IDisposable
{
    /// <summary>
    /// The file's columns as Nebula's types. A column of a type that cannot be represented makes opening fail only when nothing else is possible; else reading
    /// that column does.
    /// </summary>
    Schema Schema { get; }

    /// <summary>Number of rows, where the file says so without being read through.</summary>
    long? Rows { get; }

    /// <summary>The parts, in order. May read the file's structure, not its values.</summary>
    IReadOnlyList<ContainerPart> Parts { get; }

    /// <summary>What people want to know about a file: writer, version, schema as declared, parts, encodings, codecs, sizes, statistics.</summary>
    FileInspection Inspect();

    /// <summary>Starts reading rows.</summary>
    /// <param name="columns">Positions in <see cref="Schema"/>, in the order wanted; nothing else of the file is read. May be empty: rows without columns are
    /// still counted.</param>
    /// <param name="firstPart">Position of the first part in <see cref="Parts"/>.</param>
    /// <param name="partCount">Number of parts; null for all from the first on, which never makes a scan for <see cref="Parts"/> necessary when the first is
    /// 0.</param>
    /// <param name="context">Block size and pool.</param>
    IContainerReader OpenReader(ImmutableArray<int> columns, int firstPart, int? partCount, ReadContext context);
}

/// <summary>
/// Reads parts of a file; <see cref="ISourceReader"/> is made of it. <see cref="Next"/> is called by one caller at a time, <see cref="Decode"/> by many threads
/// at once.
/// </summary>
internal interface IContainerReader : IDisposable
{
    /// <summary>Bytes of the file read so far.</summary>
    long BytesRead { get; }

    /// <summary>Fetches what the next rows are made of, still encoded and compressed. Large parts come in several blocks where the format allows it.</summary>
    /// <returns>The block, which the caller disposes of; null at the end. <see cref="RawBlock.Detail"/> tells <see cref="Decode"/> what is in it.</returns>
    RawBlock? Next();

    /// <summary>
    /// Decodes a block into batches of the wanted columns with the types of <see cref="IContainerFile.Schema"/>, each of at most <see cref="BatchRows"/> rows,
    /// and passes each on as soon as it is there.
    /// </summary>
    /// <param name="block">The block. It stays the caller's.</param>
    /// <param name="sink">Takes the batches, in order.</param>
    /// <exception cref="Diagnostics.DataFormatException">The block cannot be decoded; says what is wrong, in which column and part, and at what
    /// byte.</exception>
    void Decode(RawBlock block, IDecodeSink sink);

    /// <summary>Most rows of a batch: its columns should stay in the processor's caches. Fewer where rows are large.</summary>
    const int BatchRows = 16 << 10;
}

/// <summary>A part of a file that can be read on its own.</summary>
/// <param name="Offset">Where its first byte is.</param>
/// <param name="Bytes">Its length as stored.</param>
/// <param name="Rows">Its rows; null when not known without reading it.</param>
internal readonly record struct ContainerPart(long Offset, long Bytes, long? Rows);
