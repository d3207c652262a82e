using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>First byte of a message of pgoutput. Manual, "Logical Replication Message Formats".</summary>
internal enum PgOutputMessage : byte
{
    Begin = (byte)'B',
    Commit = (byte)'C',
    Origin = (byte)'O',
    Relation = (byte)'R',
    Type = (byte)'Y',
    Insert = (byte)'I',
    Update = (byte)'U',
    Delete = (byte)'D',
    Truncate = (byte)'T',
    Message = (byte)'M',
    StreamStart = (byte)'S',
    StreamStop = (byte)'E',
    StreamCommit = (byte)'c',
    StreamAbort = (byte)'A',
}

/// <summary>Reads the fields of one message of pgoutput. Holds no connection and never waits.</summary>
/// <param name="message">The message.</param>
internal ref struct PgOutputReader(ReadOnlySpan<byte> message)
{
    /// <summary>Length of a value that is null.</summary>
    public const int Null = -1;

    /// <summary>Length of a value that did not change, and that the log does not tell.</summary>
    public const int Unchanged = -2;

    /// <summary>Length of a value that is there in the other form than all are asked for.</summary>
    public const int OtherForm = -3;

    /// <summary>What stands in front of a value in text form.</summary>
    public const byte Text = (byte)'t';

    /// <summary>What stands in front of a value in binary form.</summary>
    public const byte Binary = (byte)'b';

    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;

    /// <summary>Reads a byte.</summary>
    public byte ReadByte() => Take(sizeof(byte))[0];

    /// <summary>Reads a number of two bytes.</summary>
    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(sizeof(ushort)));

    /// <summary>Reads a number of four bytes.</summary>
    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint)));

    /// <summary>Reads a number of eight bytes.</summary>
    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64BigEndian(Take(sizeof(ulong)));

    /// <summary>Reads text that ends with a zero.</summary>
    public string ReadText()
    {
        var length = _message[_at..].IndexOf((byte)0);
        if (length < 0)
            throw Broken();
        var text = Encoding.UTF8.GetString(_message.Slice(_at, length));
        _at += length + 1;
        return text;
    }

    /// <summary>Finds where the values of a row lie in the message.</summary>
    /// <param name="places">Takes offset and length of each value; lengths below 0 are <see cref="Null"/>, <see cref="Unchanged"/> and
    /// <see cref="OtherForm"/>.</param>
    /// <param name="form">The form that is asked for: <see cref="Text"/> or <see cref="Binary"/>. Types that cannot be sent in binary form come as text.</param>
    public void ReadRow(Span<int> places, byte form)
    {
        if (ReadUInt16() != places.Length / 2)
            throw Broken();
        var message = _message;
        var at = _at;
        for (var i = 0; i < places.Length; i += 2)
        {
            if (at >= message.Length)
                throw Broken();
            var kind = message[at++];
            if (kind == form)
            {
                // nearly all
                var length = ReadLength(message, ref at);
                (places[i], places[i + 1]) = (at, length);
                at += length;
                continue;
            }
            (places[i], places[i + 1]) = (at, kind switch
            {
                (byte)'n' => Null,
                (byte)'u' => Unchanged,
                Text or Binary => OtherForm,
                _ => throw Broken(),
            });
            if (places[i + 1] == OtherForm)
            {
                var length = ReadLength(message, ref at);
                at += length;
            }
        }
        _at = at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int ReadLength(ReadOnlySpan<byte> message, ref int at)
    {
        if (message.Length - at < sizeof(int))
            throw Broken();
        var length = BinaryPrimitives.ReadInt32BigEndian(message[at..]);
        at += sizeof(int);
        return (uint)length <= (uint)(message.Length - at) ? length : throw Broken();
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (_message.Length - _at < count)
            throw Broken();
        var taken = _message.Slice(_at, count);
        _at += count;
        return taken;
    }

    /// <summary>The error of a message that is none.</summary>
    public readonly DataFormatException Broken() => new(
        $"A message of the log ('{(_message.Length > 0 ? (char)_message[0] : '?')}', {_message.Length} bytes) does not have the form that it should have "
            + $"near its byte {_at}. This is a defect: report it.");
}
