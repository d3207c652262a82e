using System.Buffers.Binary;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>What a server sends, message by message. Manual, "Message Formats": a letter, the length with itself, the content.</summary>
/// <param name="socket">Where it comes from.</param>
/// <param name="server">The server, for messages.</param>
internal sealed class WireInput(WireSocket socket, string server)
{
    /// <summary>Bytes in front of the content of a message.</summary>
    public const int HeaderSize = sizeof(byte) + sizeof(int);

    /// <summary>Most bytes of messages that lie here at a time.</summary>
    public const int Capacity = 256 << 10;

    // errors and answers of a few words
    private const int LargestAnswer = 16 << 20;
    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(Capacity);
    private int _start;
    private int _end;

    /// <summary>What has come and was not taken.</summary>
    public ReadOnlySpan<byte> Available => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Takes bytes.</summary>
    /// <param name="count">How many.</param>
    public void Skip(int count) => _start += count;

    /// <summary>Finds the length of the content of the message that comes next.</summary>
    /// <param name="header">What stands in front of it.</param>
    /// <param name="most">Most bytes that it may have.</param>
    /// <exception cref="DataFormatException">It lies.</exception>
    public int LengthOf(ReadOnlySpan<byte> header, int most)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(header[1..]) - (long)sizeof(int);
        return length >= 0 && length <= most ? (int)length : throw Broken($"a message of type {Show(header[0])} says that it has {length} bytes");
    }

    /// <summary>Waits for bytes behind those that are here.</summary>
    /// <param name="gathering">How long to let them gather where they come in small pieces, each of which would wake this thread; zero for not at all.</param>
    /// <exception cref="EndOfStreamException">There are none.</exception>
    public void Fill(TimeSpan gathering = default)
    {
        if (_start > 0)
        {
            Available.CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
        }
        var count = socket.Read(_bytes.AsSpan(_end), gathering);
        if (count == 0)
            throw Ended();
        _end += count;
    }

    /// <summary>Waits until so many bytes are here.</summary>
    /// <param name="count">Number of bytes, at most <see cref="Capacity"/>.</param>
    public void Require(int count)
    {
        while (_end - _start < count)
            Fill();
    }

    /// <summary>Reads bytes past what is kept here.</summary>
    /// <param name="target">Where they go; it is filled.</param>
    public void Read(Span<byte> target)
    {
        var here = Math.Min(target.Length, _end - _start);
        _bytes.AsSpan(_start, here).CopyTo(target);
        _start += here;
        for (target = target[here..]; !target.IsEmpty;)
        {
            var count = socket.Read(target);
            if (count == 0)
                throw Ended();
            target = target[count..];
        }
    }

    /// <summary>Waits for a message.</summary>
    /// <param name="type">Its type.</param>
    /// <returns>Its content, good until more is read.</returns>
    public ReadOnlySpan<byte> ReadMessage(out byte type)
    {
        Require(HeaderSize);
        type = Available[0];
        var length = LengthOf(Available, LargestAnswer);
        if (HeaderSize + length > Capacity)
        {
            Skip(HeaderSize);
            var large = new byte[length];
            Read(large);
            return large;
        }
        Require(HeaderSize + length);
        var content = Available.Slice(HeaderSize, length);
        Skip(HeaderSize + length);
        return content;
    }

    /// <summary>The error of a message that does not belong here.</summary>
    /// <param name="type">Its type.</param>
    public DataFormatException Unexpected(byte type) => Broken($"a message of type {Show(type)} does not belong here");

    /// <summary>The error of bytes that are none of the protocol's.</summary>
    /// <param name="what">What is wrong with them.</param>
    public DataFormatException Broken(string what) => new(
        $"What {server} sends is not what a PostgreSQL server says: {what}. Check 'host' and 'port', and what lies between here and the server.");

    private static string Show(byte type) => type is > (byte)' ' and < 0x7F ? $"'{(char)type}'" : $"0x{type:X2}";

    private static EndOfStreamException Ended() => new("The server closed the connection.");
}
