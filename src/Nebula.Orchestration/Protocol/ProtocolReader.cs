using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Protocol;

/// <summary>How a field of a message is stored.</summary>
/// <remarks>Protocol Buffers encoding, "Message structure".</remarks>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>Reads the fields of one protobuf message. Every read is checked; a message that lies about its lengths is refused.</summary>
internal ref struct ProtocolReader(ReadOnlySpan<byte> message)
{
    private const long TicksPerSecond = TimeSpan.TicksPerSecond;
    private ReadOnlySpan<byte> _rest = message;
    private WireType _type;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field.</summary>
    /// <returns>Whether there is one.</returns>
    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        var tag = ReadRaw();
        _type = (WireType)(tag & 7);
        var field = tag >> 3;
        if (field is 0 or > int.MaxValue >> 3 || _type is not (WireType.Varint or WireType.Fixed64 or WireType.Bytes or WireType.Fixed32))
            throw Malformed($"field {field} has wire type {tag & 7}");
        Field = (int)field;
        return true;
    }

    /// <summary>Passes over the current field.</summary>
    public void Skip()
    {
        switch (_type)
        {
            case WireType.Varint:
                ReadRaw();
                break;
            case WireType.Fixed64:
                Take(sizeof(long));
                break;
            case WireType.Fixed32:
                Take(sizeof(int));
                break;
            default:
                Bytes();
                break;
        }
    }

    public int Int32()
    {
        Expect(WireType.Varint);
        return (int)ReadRaw();
    }

    public long Int64()
    {
        Expect(WireType.Varint);
        return (long)ReadRaw();
    }

    public bool Bool() => Int64() != 0;

    /// <summary>The bytes of a nested message, a string or bytes.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        Expect(WireType.Bytes);
        var length = ReadRaw();
        if (length > (ulong)_rest.Length)
            throw Malformed($"field {Field} claims {length} bytes, {_rest.Length} are left");
        return Take((int)length);
    }

    public string String() => Encoding.UTF8.GetString(Bytes());

    /// <summary>A <c>google.protobuf.StringValue</c>.</summary>
    public string StringValue()
    {
        var wrapper = new ProtocolReader(Bytes());
        var value = "";
        while (wrapper.Next())
            if (wrapper.Field == 1)
                value = wrapper.String();
            else
                wrapper.Skip();
        return value;
    }

    /// <summary>A <c>google.protobuf.Timestamp</c>.</summary>
    public DateTime Timestamp()
    {
        var message = new ProtocolReader(Bytes());
        var seconds = 0L;
        var nanoseconds = 0;
        while (message.Next())
            switch (message.Field)
            {
                case 1:
                    seconds = message.Int64();
                    break;
                case 2:
                    nanoseconds = message.Int32();
                    break;
                default:
                    message.Skip();
                    break;
            }
        const long First = -62_135_596_800, Last = 253_402_300_799;     // years 1 to 9999
        if (seconds is < First or > Last || nanoseconds is < 0 or > 999_999_999)
            throw Malformed($"field {Field} is no time: {seconds} s, {nanoseconds} ns");
        return DateTime.UnixEpoch.AddTicks((seconds * TicksPerSecond) + (nanoseconds / 100));
    }

    private static DataFormatException Malformed(string what) => new(
        $"A message of the durable task protocol is damaged: {what}. If it comes from the run's journal, purge the run and start it again.");

    private readonly void Expect(WireType type)
    {
        if (_type != type)
            throw Malformed($"field {Field} has wire type {(int)_type}, expected {(int)type}");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw Malformed($"field {Field} needs {count} bytes, {_rest.Length} are left");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private ulong ReadRaw()
    {
        var value = 0UL;
        for (int i = 0, shift = 0; i < _rest.Length && shift < 64; i++, shift += 7)
        {
            var b = _rest[i];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }
        throw Malformed(_rest.Length < 10 ? "it ends within a number" : "a number has more than 10 bytes");
    }
}
