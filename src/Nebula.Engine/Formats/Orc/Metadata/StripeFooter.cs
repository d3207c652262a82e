using System.Collections.Immutable;

namespace Nebula.Engine.Formats.Orc.Metadata;

/// <summary>What a stream holds, numbered as in files (ORC v1, "Stripe Footer").</summary>
internal enum StreamKind : byte
{
    Present = 0,
    Data = 1,
    Length = 2,
    DictionaryData = 3,
    DictionaryCount = 4,
    Secondary = 5,
    RowIndex = 6,
    BloomFilter = 7,
    BloomFilterUtf8 = 8,
    EncryptedIndex = 9,
    EncryptedData = 10,
    StripeStatistics = 100,
    FileStatistics = 101,
}

/// <summary>How the values of a column are encoded in a stripe, numbered as in files (ORC v1, "Stripe Footer").</summary>
internal enum ColumnEncodingKind : byte
{
    Direct = 0,
    Dictionary = 1,
    DirectV2 = 2,
    DictionaryV2 = 3,

    /// <summary>A number that means nothing. Some writers store one for columns without values of their own.</summary>
    Unknown = 255,
}

/// <summary>The encoding of a column in a stripe.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="DictionarySize">Number of entries of the dictionary.</param>
internal readonly record struct ColumnEncoding(ColumnEncodingKind Kind, uint DictionarySize)
{
    /// <summary>Whether integers are encoded by version 2 of the run length encoding.</summary>
    public bool IsVersion2 => Kind is ColumnEncodingKind.DirectV2 or ColumnEncodingKind.DictionaryV2;

    /// <summary>Whether strings refer to a dictionary.</summary>
    public bool HasDictionary => Kind is ColumnEncodingKind.Dictionary or ColumnEncodingKind.DictionaryV2;
}

/// <summary>Where a stream is.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Column">The column it belongs to.</param>
/// <param name="Offset">Its first byte in the file.</param>
/// <param name="Length">Its bytes, as stored.</param>
internal readonly record struct StreamInformation(StreamKind Kind, int Column, long Offset, long Length);

/// <summary>The streams and encodings of a stripe (ORC v1, "Stripe Footer").</summary>
internal sealed class StripeFooter
{
    private StripeFooter()
    {
    }

    /// <summary>The streams, in the order in which they lie in the stripe.</summary>
    public ImmutableArray<StreamInformation> Streams { get; private set; } = [];

    /// <summary>One per column.</summary>
    public ImmutableArray<ColumnEncoding> Encodings { get; private set; } = [];

    /// <summary>The zone in which timestamps were written; null when the writer did not say.</summary>
    public string? WriterTimeZone { get; private set; }

    /// <summary>Reads the message.</summary>
    /// <param name="message">The message, decompressed.</param>
    /// <param name="stripe">The stripe.</param>
    /// <param name="columnCount">Number of columns of the file.</param>
    public static StripeFooter Parse(ReadOnlySpan<byte> message, StripeInformation stripe, int columnCount)
    {
        var footer = new StripeFooter();
        var streams = ImmutableArray.CreateBuilder<StreamInformation>();
        var encodings = ImmutableArray.CreateBuilder<ColumnEncoding>();
        var reader = new ProtobufReader(message);
        var offset = stripe.Offset;
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    var stream = ParseStream(reader.Bytes(), offset);
                    if (stream.Length > stripe.Offset + stripe.IndexLength + stripe.DataLength - offset)
                        throw new OrcFault($"the {stream.Kind} stream of column {stream.Column} claims {stream.Length} bytes, more than is left of the stripe");
                    if (stream.Column >= columnCount)
                        throw new OrcFault($"a {stream.Kind} stream belongs to column {stream.Column}, but there are {columnCount}");
                    streams.Add(stream);
                    offset += stream.Length;
                    break;
                case 2:
                    encodings.Add(ParseEncoding(reader.Bytes()));
                    break;
                case 3:
                    footer.WriterTimeZone = reader.Text();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        if (encodings.Count != columnCount)
            throw new OrcFault($"the stripe footer tells the encodings of {encodings.Count} columns, but there are {columnCount}");
        footer.Streams = streams.DrainToImmutable();
        footer.Encodings = encodings.DrainToImmutable();
        return footer;
    }

    private static StreamInformation ParseStream(ReadOnlySpan<byte> message, long offset)
    {
        var (kind, column, length) = (0ul, 0u, 0L);
        var reader = new ProtobufReader(message);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    kind = reader.UInt64();
                    break;
                case 2:
                    column = reader.UInt32();
                    break;
                case 3:
                    length = reader.Length();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return new StreamInformation((StreamKind)Math.Min(kind, byte.MaxValue), (int)Math.Min(column, int.MaxValue), offset, length);
    }

    private static ColumnEncoding ParseEncoding(ReadOnlySpan<byte> message)
    {
        var (kind, size) = (0ul, 0u);
        var reader = new ProtobufReader(message);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    kind = reader.UInt64();
                    break;
                case 2:
                    size = reader.UInt32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return new ColumnEncoding(kind <= (ulong)ColumnEncodingKind.DictionaryV2 ? (ColumnEncodingKind)kind : ColumnEncodingKind.Unknown, size);
    }
}
