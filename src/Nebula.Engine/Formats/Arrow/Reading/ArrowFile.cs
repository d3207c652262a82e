using System.Buffers.Binary;
using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>An open file of either kind: with a footer that lists its batches (Columnar Format, "IPC File Format"), or a stream.</summary>
internal sealed class ArrowFile : IContainerFile
{
    /// <summary>What files begin and end with.</summary>
    public static ReadOnlySpan<byte> Magic => "ARROW1"u8;

    private readonly IRandomAccess _bytes;
    private readonly BufferPool _pool;
    private readonly ArrowFooter? _footer;
    private readonly short _version;
    private readonly long _firstMessage;
    private List<StreamPart>? _streamParts;

    private ArrowFile(IRandomAccess bytes, BufferPool pool, ArrowSchema declared, short version, ArrowFooter? footer, long firstMessage)
    {
        _bytes = bytes;
        _pool = pool;
        _footer = footer;
        _version = version;
        _firstMessage = firstMessage;
        Declared = declared;
        Plan = new BatchPlan(declared.Fields, version < 4);
        Schema = Plan.ToSchema();
        RequireEqualDictionaries(Plan);
    }

    /// <summary>The schema as declared.</summary>
    public ArrowSchema Declared { get; }

    /// <summary>Where the values of columns stand in batches.</summary>
    public BatchPlan Plan { get; }

    /// <summary>Whether the file is a stream: without footer.</summary>
    public bool IsStream => _footer is null;

    public Schema Schema { get; }

    public long? Rows => null;

    public IReadOnlyList<ContainerPart> Parts => _footer is null
        ? [.. ScanStream().Where(static part => !part.IsDictionary).Select(static part => new ContainerPart(part.Block.Offset,
            part.Block.MetadataLength + part.Block.BodyLength, part.Rows))]
        : [.. _footer.RecordBatches.Select(static block => new ContainerPart(block.Offset, block.MetadataLength + block.BodyLength, null))];

    /// <summary>Opens a file.</summary>
    /// <param name="bytes">The file, which the result owns, also when this throws.</param>
    /// <param name="pool">Where memory comes from.</param>
    /// <exception cref="DataFormatException">It is no such file, damaged, or of a version that is not supported.</exception>
    public static ArrowFile Open(IRandomAccess bytes, BufferPool pool)
    {
        var position = 0L;
        try
        {
            Span<byte> head = stackalloc byte[8];
            head = head[..(int)Math.Min(head.Length, bytes.Length)];
            bytes.Read(0, head);
            if (head.StartsWith("FEA1"u8))
                throw new ArrowFault("it is a Feather file of version 1, a format of its own", 0,
                    advice: "Write it again with version 2 of Feather, which is Arrow IPC.");
            return head.StartsWith(Magic) ? OpenFile(bytes, pool, ref position) : OpenStream(bytes, pool);
        }
        catch (ArrowFault fault)
        {
            bytes.Dispose();
            throw fault.ToDataFormatException(bytes.Name, position, "the file cannot be opened");
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    public FileInspection Inspect() => ArrowInspection.Of(this, Declared, _footer, _version, ScanAll());

    public IContainerReader OpenReader(ImmutableArray<int> columns, int firstPart, int? partCount, ReadContext context)
    {
        if (_footer is null)
            return new ArrowReader(this, _bytes, columns, new StreamMessages(_firstMessage, _bytes.Length), firstPart, partCount ?? int.MaxValue, context);
        var count = Math.Min(partCount ?? int.MaxValue, _footer.RecordBatches.Length - firstPart);
        return new ArrowReader(this, _bytes, columns, new FooterMessages(_footer, firstPart, count), 0, count, context);
    }

    public void Dispose() => _bytes.Dispose();

    private static ArrowFile OpenFile(IRandomAccess bytes, BufferPool pool, ref long position)
    {
        var tailLength = sizeof(int) + Magic.Length;
        // The magic number at the start is padded to 8 bytes.
        if (bytes.Length < 8 + tailLength)
            throw new ArrowFault("the file is too short to have a footer", 0);
        Span<byte> tail = stackalloc byte[tailLength];
        position = bytes.Length - tailLength;
        bytes.Read(position, tail);
        if (!tail[sizeof(int)..].SequenceEqual(Magic))
            throw new ArrowFault("it does not end with a footer: it was not written to its end, or cut", 0);
        var length = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (length <= 0 || length > position - 8)
            throw new ArrowFault($"the footer has {length} bytes, in a file of {bytes.Length}", 0);
        position -= length;
        using var buffer = pool.Rent(length);
        bytes.Read(position, buffer.Span[..length]);
        var footer = ArrowFooter.Read(buffer.Span[..length], position);
        return new ArrowFile(bytes, pool, footer.Schema, footer.Version, footer, 0);
    }

    private static ArrowFile OpenStream(IRandomAccess bytes, BufferPool pool)
    {
        var loader = new BodyLoader(bytes, false, pool);
        var length = loader.ReadMetadataLength(0, bytes.Length, out var prefix);
        if (length == 0)
            throw new ArrowFault(bytes.Length == 0 ? "it is empty, not even a schema is there" : "there is no schema", 0);
        var message = loader.ReadMessage(prefix, length);
        return message.Kind == MessageKind.Schema ? new ArrowFile(bytes, pool, message.Schema!, message.Version, null, prefix + length + message.BodyLength)
            : throw new ArrowFault($"it begins with a {message.Kind} instead of a schema", 0);
    }

    /// <summary>All messages, in order, with their rows.</summary>
    private List<StreamPart> ScanAll() => _footer is null ? ScanStream() : Scan(new FooterMessages(_footer, 0, _footer.RecordBatches.Length));

    private List<StreamPart> ScanStream() => _streamParts ??= Scan(new StreamMessages(_firstMessage, _bytes.Length));

    private List<StreamPart> Scan(MessageSequence messages)
    {
        var loader = new BodyLoader(_bytes, false, _pool);
        var parts = new List<StreamPart>();
        try
        {
            while (messages.Next(loader, out var block) is { } message)
                parts.Add(new StreamPart(block, message.Kind == MessageKind.DictionaryBatch, message.Batch!.Length, message.Batch.Codec,
                    message.DictionaryId, message.IsDelta));
            return parts;
        }
        catch (ArrowFault fault)
        {
            throw fault.ToDataFormatException(_bytes.Name, messages.Position, messages.Current);
        }
    }

    /// <summary>Several fields may share a dictionary, but only as values of the same type.</summary>
    private static void RequireEqualDictionaries(BatchPlan plan)
    {
        var known = new Dictionary<long, BatchPlan>();
        foreach (var (id, values) in plan.Columns.SelectMany(static column => column.Dictionaries()))
            if (known.TryAdd(id, values))
                continue;
            else if (!AreAlike(known[id].Columns[0].Field, values.Columns[0].Field))
                throw new ArrowFault($"dictionary {id} has values of the types {known[id].Columns[0].Declared} and {values.Columns[0].Declared}", 0);
    }

    private static bool AreAlike(ArrowField a, ArrowField b)
    {
        if (a.Type with { TypeIds = [] } != b.Type with { TypeIds = [] } || !a.Type.TypeIds.SequenceEqual(b.Type.TypeIds) || a.Dictionary != b.Dictionary
            || a.Extension != b.Extension || a.Children.Length != b.Children.Length)
            return false;
        for (var i = 0; i < a.Children.Length; i++)
            if (!AreAlike(a.Children[i], b.Children[i]))
                return false;
        return true;
    }
}

/// <summary>A message as its metadata describes it.</summary>
/// <param name="Block">Where it is.</param>
/// <param name="IsDictionary">Whether it holds entries of a dictionary.</param>
/// <param name="Rows">Number of rows or entries.</param>
/// <param name="Codec">How its buffers are compressed.</param>
/// <param name="DictionaryId">Which dictionary.</param>
/// <param name="IsDelta">Whether its entries come behind those before.</param>
internal sealed record StreamPart(MessageBlock Block, bool IsDictionary, long Rows, BodyCodec Codec, long DictionaryId, bool IsDelta);
