using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Storage;

/// <summary>A set of byte strings numbered in the order in which they came: open addressing over pooled memory.</summary>
/// <remarks>The hash is seeded per process and a search gives up after <see cref="MaxProbes"/> slots, so that no choice of values makes it slow.</remarks>
internal sealed class DistinctBytes : IDisposable
{
    private const int FirstSlots = 1024;
    private const int MaxProbes = 128;
    private static readonly ulong Seed = MemoryMarshal.Read<ulong>(RandomNumberGenerator.GetBytes(sizeof(ulong)));
    private readonly BufferPool _pool;
    private readonly DataType _type;
    private readonly GrowingBuffer _bytes;
    private readonly GrowingBuffer _offsets;
    private PooledBuffer _slots;
    private int _slotMask;

    /// <summary>Makes an empty set.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="type">Type of the column that <see cref="Build"/> makes.</param>
    public DistinctBytes(BufferPool pool, DataType type)
    {
        _pool = pool;
        _type = type;
        _bytes = new GrowingBuffer(pool);
        _offsets = new GrowingBuffer(pool);
        _slots = RentSlots(FirstSlots);
        _slotMask = FirstSlots - 1;
    }

    /// <summary>Number of distinct values.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all distinct values.</summary>
    public int ByteCount => _bytes.Length;

    /// <summary>Bytes of the longest value.</summary>
    public int LongestLength { get; private set; }

    /// <summary>Finds a value, and adds it when it is new.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Its number, or -1 when the search takes too long.</returns>
    public int Find(ReadOnlySpan<byte> value)
    {
        var hash = Hash(value);
        var slots = _slots.As<Slot>();
        var at = (int)hash & _slotMask;
        for (var probe = 0; probe < MaxProbes; probe++)
        {
            ref var slot = ref slots[at];
            if (slot.Number == 0)
                return Add(ref slot, hash, value);
            if (slot.Hash == hash && value.SequenceEqual(Entry(slot.Number - 1)))
                return slot.Number - 1;
            at = at + 1 & _slotMask;
        }
        return -1;
    }

    /// <summary>Makes a column of the values, which owns their buffers, and leaves the set empty.</summary>
    public Column Build()
    {
        if (_offsets.Length == 0)
            _offsets.Append(0);
        var count = Count;
        Count = 0;
        return new Column(_type, count, 0, null, _bytes.Detach(), _offsets.Detach());
    }

    /// <summary>Returns all buffers.</summary>
    public void Dispose()
    {
        _bytes.Dispose();
        _offsets.Dispose();
        _slots.Dispose();
    }

    /// <summary>Multiplies 16 bytes at a time into 128 bits and folds them.</summary>
    private static uint Hash(ReadOnlySpan<byte> value)
    {
        const ulong First = 0x9E3779B97F4A7C15, Second = 0xD6E8FEB86659FD93;
        ref var start = ref MemoryMarshal.GetReference(value);
        var hash = Seed ^ (ulong)value.Length * First;
        nuint at = 0;
        var rest = value.Length;
        for (; rest > 16; rest -= 16, at += 16)
            hash = Fold(Read8(ref start, at) ^ First, Read8(ref start, at + 8) ^ hash);
        ulong low = 0, high = 0;
        if (rest >= 8)
        {
            low = Read8(ref start, at);
            high = Read8(ref start, at + (nuint)rest - 8);
        }
        else if (rest >= 4)
        {
            low = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, at));
            high = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, at + (nuint)rest - 4));
        }
        else if (rest > 0)
        {
            low = (ulong)Unsafe.Add(ref start, at) << 16 | (ulong)Unsafe.Add(ref start, at + (nuint)(rest >> 1)) << 8;
            low |= Unsafe.Add(ref start, at + (nuint)rest - 1);
        }
        hash = Fold(Fold(low ^ Second, high ^ hash), First);
        return (uint)(hash >> 32) ^ (uint)hash;
    }

    private static ulong Read8(ref byte start, nuint at) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at));

    private static ulong Fold(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }

    private int Add(ref Slot slot, uint hash, ReadOnlySpan<byte> value)
    {
        if (_offsets.Length == 0)
            _offsets.Append(0);
        value.CopyTo(_bytes.Extend(value.Length));
        _offsets.Append(_bytes.Length);
        LongestLength = Math.Max(LongestLength, value.Length);
        slot = new Slot(hash, ++Count);
        if (Count > _slotMask / 2)
            Grow();
        return Count - 1;
    }

    private ReadOnlySpan<byte> Entry(int number)
    {
        var offsets = _offsets.As<int>();
        return _bytes.Content[offsets[number]..offsets[number + 1]];
    }

    private void Grow()
    {
        var count = 2 * (_slotMask + 1);
        var larger = RentSlots(count);
        var slots = larger.As<Slot>();
        var mask = count - 1;
        foreach (var slot in _slots.As<Slot>()[..(_slotMask + 1)])
        {
            if (slot.Number == 0)
                continue;
            var at = (int)slot.Hash & mask;
            while (slots[at].Number != 0)
                at = at + 1 & mask;
            slots[at] = slot;
        }
        _slots.Dispose();
        _slots = larger;
        _slotMask = mask;
    }

    private PooledBuffer RentSlots(int count)
    {
        var slots = _pool.Rent(checked(count * Unsafe.SizeOf<Slot>()));
        slots.As<Slot>()[..count].Clear();
        return slots;
    }

    /// <summary>A place in the table; <paramref name="Number"/> is that of the value plus one, 0 when the place is free.</summary>
    private readonly record struct Slot(uint Hash, int Number);
}
