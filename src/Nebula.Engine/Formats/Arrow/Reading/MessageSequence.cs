using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>The messages of a file one after the other: in the order of its footer, or as a stream has them.</summary>
internal abstract class MessageSequence
{
    /// <summary>Which message is read, for messages to the user.</summary>
    public string Current { get; protected set; } = "";

    /// <summary>Where it begins.</summary>
    public long Position { get; protected set; }

    /// <summary>Reads the metadata of the next message.</summary>
    /// <param name="loader">Reads the file.</param>
    /// <param name="block">Where the message is.</param>
    /// <returns>The message: a dictionary or a record batch; null at the end.</returns>
    /// <exception cref="ArrowFault">It is damaged.</exception>
    public abstract ArrowMessage? Next(BodyLoader loader, out MessageBlock block);
}

/// <summary>The messages that a footer lists: all dictionaries, then the record batches wanted.</summary>
/// <param name="footer">The footer.</param>
/// <param name="firstBatch">First record batch.</param>
/// <param name="batchCount">Number of record batches.</param>
internal sealed class FooterMessages(ArrowFooter footer, int firstBatch, int batchCount) : MessageSequence
{
    private int _dictionary;
    private int _batchesRead;

    public override ArrowMessage? Next(BodyLoader loader, out MessageBlock block)
    {
        block = default;
        if (_dictionary < footer.Dictionaries.Length)
        {
            Current = $"dictionary batch {_dictionary}";
            block = footer.Dictionaries[_dictionary++];
            return Read(loader, block, MessageKind.DictionaryBatch);
        }
        if (_batchesRead >= batchCount)
            return null;
        var batch = firstBatch + _batchesRead++;
        Current = $"record batch {batch}";
        block = footer.RecordBatches[batch];
        return Read(loader, block, MessageKind.RecordBatch);
    }

    private ArrowMessage Read(BodyLoader loader, MessageBlock block, MessageKind expected)
    {
        Position = block.Offset;
        var length = loader.ReadMetadataLength(block.Offset, block.BodyOffset, out var prefix);
        if (length == 0)
            throw new ArrowFault("there is no message where the footer says so", 0);
        var message = loader.ReadMessage(block.Offset + prefix, length);
        if (message.Kind != expected)
            throw new ArrowFault($"there is a {message.Kind} where the footer says that a {expected} is", 0);
        return message.BodyLength <= block.BodyLength ? message
            : throw new ArrowFault($"the message has a body of {message.BodyLength} bytes, but the footer says that it has {block.BodyLength}", 0);
    }
}

/// <summary>The messages of a stream behind its schema.</summary>
/// <param name="start">Where they begin.</param>
/// <param name="end">Where the file ends.</param>
internal sealed class StreamMessages(long start, long end) : MessageSequence
{
    private long _next = start;
    private int _batch;
    private int _dictionary;

    public override ArrowMessage? Next(BodyLoader loader, out MessageBlock block)
    {
        block = default;
        Position = _next;
        Current = $"the message behind record batch {_batch - 1}";
        if (_batch == 0)
            Current = "the message behind the schema";
        var length = loader.ReadMetadataLength(_next, end, out var prefix);
        if (length == 0)
        {
            if (_next + prefix < end)
                throw new ArrowFault($"{end - _next - prefix} bytes follow behind the end of the stream", prefix,
                    advice: "If several streams were put together into one file, read them one by one.");
            return null;
        }
        var message = loader.ReadMessage(_next + prefix, length);
        Current = message.Kind == MessageKind.RecordBatch ? $"record batch {_batch++}" : $"dictionary batch {_dictionary++}";
        if (message.Kind is not (MessageKind.RecordBatch or MessageKind.DictionaryBatch))
            throw new ArrowFault($"there is a {message.Kind} where a record batch should be", 0);
        block = new MessageBlock(_next, prefix + length, message.BodyLength);
        if (block.BodyLength > end - block.BodyOffset)
            throw new ArrowFault($"the message has a body of {block.BodyLength} bytes, but {end - block.BodyOffset} are left", prefix + length);
        _next = block.BodyOffset + block.BodyLength;
        return message;
    }
}
