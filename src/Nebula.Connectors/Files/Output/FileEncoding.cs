using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files.Output;

/// <summary>
/// What all files of a stream have in common: format x codec. Where the codec allows it, blocks are compressed by the threads that encode them.
/// </summary>
internal sealed class FileEncoding : IDisposable
{
    private readonly IBlockEncoder _encoder;
    private readonly Func<ICompressor?> _createCodec;
    private readonly BufferPool _pool;

    // compresses the blocks of all files, when each piece is a unit of its own
    private readonly ICompressor? _shared;

    /// <summary>Makes the encoding.</summary>
    /// <param name="format">The format.</param>
    /// <param name="path">A file's name, for the codec.</param>
    /// <param name="schema">The columns.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">The format cannot hold a column, or an option is wrong.</exception>
    public FileEncoding(IFileFormat format, string path, Schema schema, OptionValues options, BufferPool pool)
    {
        _pool = pool;
        _encoder = format.CreateEncoder(schema, options, pool);
        var codec = format.OwnCodecs is null ? FileCodecs.ForWriting(path, options) : CompressionCodecs.None;
        var level = (int?)options.Integer("compression_level");
        _createCodec = () => codec == CompressionCodecs.None ? null : codec.CreateCompressor(level);
        _shared = _createCodec();
        if (_shared is { IsParallel: false })
        {
            _shared.Dispose();
            _shared = null;
        }
    }

    /// <summary>Whether files can be continued: each piece of them is complete.</summary>
    /// <param name="format">The format.</param>
    /// <param name="path">A file's name, for the codec.</param>
    /// <param name="options">What the user set.</param>
    public static bool CanContinue(IFileFormat format, string path, OptionValues options)
    {
        if (!format.CanContinue(options))
            return false;
        var codec = FileCodecs.ForWriting(path, options);
        if (codec == CompressionCodecs.None)
            return true;
        using var compressor = codec.CreateCompressor((int?)options.Integer("compression_level"));
        return compressor.IsParallel;
    }

    /// <inheritdoc cref="IDestinationWriter.Target"/>
    public RowTarget? Target => _encoder.Target;

    /// <inheritdoc cref="IDestinationWriter.Encode"/>
    public EncodedBlock Encode(RecordBatch batch)
    {
        var block = _encoder.Encode(batch);
        if (_shared is null || block.Rows == 0)
            return block;
        using (block)
            return new EncodedBlock(_shared.Compress(block.Buffer.Content, _pool), block.Rows) { Metadata = block.Metadata };
    }

    /// <summary>Starts a file.</summary>
    /// <param name="staged">Takes its bytes; disposed of with the file.</param>
    /// <param name="isContinued">Whether its beginning is written already, by the chunks before.</param>
    public FilePart Start(IStagedObject staged, bool isContinued = false) =>
        new(_encoder.CreateFrame(), _createCodec(), _shared is not null, staged, _pool, isContinued);

    public void Dispose() => _shared?.Dispose();
}
