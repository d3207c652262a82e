using System.Runtime.CompilerServices;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Numbers of 7 bits per byte, least significant first (ORC v1, "Base 128 Varint").</summary>
internal static unsafe class Varint
{
    private const int MaxLength = 10;

    /// <summary>Undoes the coding that puts the sign into the lowest bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Unzigzag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    /// <summary>Puts the sign into the lowest bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Zigzag(long value) => (ulong)(value << 1 ^ value >> 63);

    /// <summary>Reads a number of up to 64 bits.</summary>
    /// <param name="stream">The stream.</param>
    public static ulong Read(ByteStream stream)
    {
        if (!stream.Ensure(MaxLength) && stream.Available == 0)
            stream.ThrowEnded("a number");
        var value = 0ul;
        var position = stream.Position;
        var end = stream.End;
        for (var shift = 0; shift < 7 * MaxLength && position < end; shift += 7)
        {
            var next = *position++;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                stream.Position = position;
                return value;
            }
        }
        throw new OrcFault("a number has more than 64 bits, or its stream ends within it");
    }
}
