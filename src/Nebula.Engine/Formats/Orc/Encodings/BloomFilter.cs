using System.Buffers.Binary;
using System.Numerics;
using Nebula.Engine.Formats.Orc.Metadata;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Says of a value whether it may occur in a row group (ORC v1, "Bloom Filter Index", the form of ORC-101).</summary>
internal sealed class BloomFilter
{
    /// <summary>What column encodings say of filters like these: strings in UTF-8, timestamps in UTC. Readers leave out filters without it.</summary>
    public const int Encoding = 1;

    private const double FalsePositives = 0.01;
    private const ulong MurmurSeed = 104_729;
    private readonly ulong[] _bits;
    private readonly int _hashCount;

    /// <summary>Makes an empty filter.</summary>
    /// <param name="expected">Number of distinct values that it is made for.</param>
    public BloomFilter(int expected)
    {
        var ln2 = Math.Log(2);
        var bits = (int)(-expected * Math.Log(FalsePositives) / (ln2 * ln2));
        _bits = new ulong[bits / 64 + 1];
        _hashCount = Math.Max(1, (int)Math.Round(64.0 * _bits.Length / expected * ln2));
    }

    /// <summary>Adds a number: integers, days, milliseconds, bits of floating point numbers.</summary>
    public void Add(long value)
    {
        // Thomas Wang's hash for 64 bits; the shifts to the right keep the sign
        unchecked
        {
            value = ~value + (value << 21);
            value ^= value >> 24;
            value = value + (value << 3) + (value << 8);
            value ^= value >> 14;
            value = value + (value << 2) + (value << 4);
            value ^= value >> 28;
            value += value << 31;
        }
        AddHash(value);
    }

    /// <summary>Adds bytes.</summary>
    public void Add(ReadOnlySpan<byte> value)
    {
        var hash = MurmurSeed;
        var rest = value;
        for (; rest.Length >= sizeof(ulong); rest = rest[sizeof(ulong)..])
            hash = BitOperations.RotateLeft(hash ^ Mix(BinaryPrimitives.ReadUInt64LittleEndian(rest)), 27) * 5 + 0x52DC_E729;
        var tail = 0ul;
        for (var i = rest.Length - 1; i >= 0; i--)
            tail = tail << 8 | rest[i];
        if (!rest.IsEmpty)
            hash ^= Mix(tail);
        hash ^= (ulong)value.Length;
        hash = (hash ^ hash >> 33) * 0xFF51_AFD7_ED55_8CCD;
        hash = (hash ^ hash >> 33) * 0xC4CE_B9FE_1A85_EC53;
        AddHash((long)(hash ^ hash >> 33));

        static ulong Mix(ulong word) => BitOperations.RotateLeft(word * 0x87C3_7B91_1142_53D5, 31) * 0x4CF5_AD43_2745_937F;
    }

    /// <summary>Writes the filter.</summary>
    /// <param name="writer">Takes the message's fields.</param>
    public void Write(ProtobufWriter writer)
    {
        writer.UInt64(1, (ulong)_hashCount);
        writer.Bytes(3, System.Runtime.InteropServices.MemoryMarshal.AsBytes<ulong>(_bits));
    }

    private void AddHash(long hash)
    {
        var (first, second) = ((int)hash, (int)(hash >> 32));
        for (var i = 1; i <= _hashCount; i++)
        {
            var combined = unchecked(first + i * second);
            var position = (uint)(combined < 0 ? ~combined : combined) % (uint)(64 * _bits.Length);
            _bits[position >> 6] |= 1ul << (int)(position & 63);
        }
    }
}
