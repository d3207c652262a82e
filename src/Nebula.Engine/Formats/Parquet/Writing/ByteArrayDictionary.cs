using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>
/// Builds dictionaries of byte strings. Entries are kept as the dictionary page has them, close together, so that the table and they stay in the
/// processor's caches.
/// </summary>
internal static unsafe class ByteArrayDictionary
{
    /// <summary>Most bytes of a dictionary page.</summary>
    public const int MaxBytes = 2 << 20;

    // A search gives up after this many slots, so that no choice of values makes it slow.
    private const int MaxProbes = 64;
    private const int FirstSlots = 1024;
    private static readonly ulong Seed = MemoryMarshal.Read<ulong>(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    // Byte i is below the length of a value where it belongs to it.
    private static readonly Vector128<byte> Positions = Vector128.Create((byte)0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    /// <summary>Builds a dictionary in the order in which values come.</summary>
    /// <param name="bytes">What offsets count from; 16 bytes behind the values must be readable.</param>
    /// <param name="offsets">Start of each value, and the end of the last.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="maxBytes">Most bytes of the dictionary.</param>
    /// <param name="workspace">Working memory; its <see cref="WriteWorkspace.Dictionary"/> takes the entries, each behind its length, its <see
    /// cref="WriteWorkspace.Ids"/> the positions.</param>
    /// <returns>Number of entries; -1 when there are too many, they are too large, or they collide too often.</returns>
    public static int Build(byte* bytes, int* offsets, int count, int maxBytes, WriteWorkspace workspace)
    {
        var (entries, table) = (workspace.Dictionary, workspace.Scratch);
        entries.Truncate(0);
        workspace.Ids.Truncate(0);
        var ids = (ushort*)workspace.Ids.Reserve(checked((count + 8) * sizeof(ushort)));
        var slots = NewTable(table, FirstSlots);
        var (mask, distinct) = (FirstSlots - 1, 0);
        for (var i = 0; i < count; i++)
        {
            var value = bytes + offsets[i];
            var length = offsets[i + 1] - offsets[i];
            var hash = Hash(value, length);
            var at = (int)hash & mask;
            for (var probe = 0; ; probe++, at = at + 1 & mask)
            {
                var slot = slots[at];
                if (slot.Entry == 0)
                {
                    if (distinct == ChunkValues.MaxDictionaryEntries || (long)entries.Length + sizeof(int) + length > maxBytes)
                        return -1;
                    slots[at] = new Slot { Hash = (uint)(hash >> 32), Entry = entries.Length + 1, Id = (ushort)distinct };
                    ids[i] = (ushort)distinct++;
                    entries.Append(length);
                    Buffer.MemoryCopy(value, entries.Reserve(length + Vector128<byte>.Count), length, length);
                    entries.Extend(length);
                    if (2 * distinct > mask)
                        slots = Enlarge(table, ref mask, entries);
                    break;
                }
                if (slot.Hash == (uint)(hash >> 32) && AreEqual(value, length, entries.Reserve(0) - entries.Length + slot.Entry - 1))
                {
                    ids[i] = slot.Id;
                    break;
                }
                if (probe == MaxProbes)
                    return -1;
            }
        }
        return distinct;
    }

    /// <summary>Counts the distinct values of a sample taken evenly, by their hashes.</summary>
    /// <param name="bytes">What offsets count from.</param>
    /// <param name="offsets">Start of each value, and the end of the last.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="sample">How many are looked at, at most <paramref name="count"/>.</param>
    /// <param name="scratch">Working memory.</param>
    public static int CountSample(byte* bytes, int* offsets, int count, int sample, GrowingBuffer scratch)
    {
        var slots = (int)BitOperations.RoundUpToPowerOf2((uint)(4 * sample));
        scratch.Truncate(0);
        var table = (ulong*)scratch.Reserve(slots * sizeof(ulong));
        new Span<ulong>(table, slots).Clear();
        var distinct = 0;
        for (var i = 0; i < sample; i++)
        {
            var index = (int)((long)i * count / sample);
            var hash = Hash(bytes + offsets[index], offsets[index + 1] - offsets[index]) | 1;
            var slot = (int)(hash >> 40) & slots - 1;
            while (table[slot] != 0 && table[slot] != hash)
                slot = slot + 1 & slots - 1;
            distinct += table[slot] == 0 ? 1 : 0;
            table[slot] = hash;
        }
        return distinct;
    }

    /// <summary>Whether a value is that of an entry, which stands behind its length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreEqual(byte* value, int length, byte* entry)
    {
        if (*(int*)entry != length)
            return false;
        entry += sizeof(int);
        if (length > Vector128<byte>.Count)
            return new ReadOnlySpan<byte>(value, length).SequenceEqual(new ReadOnlySpan<byte>(entry, length));
        var differences = Vector128.Load(value) ^ Vector128.Load(entry);
        return (differences & Vector128.LessThan(Positions, Vector128.Create((byte)length))) == Vector128<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(byte* value, int length)
    {
        var state = Seed ^ (ulong)length * 0x9E37_79B9_7F4A_7C15;
        for (; length > Vector128<byte>.Count; value += Vector128<byte>.Count, length -= Vector128<byte>.Count)
            state = Mix(*(ulong*)value ^ state, *(ulong*)(value + 8) ^ 0xA076_1D64_78BD_642F);
        var last = (Vector128.Load(value) & Vector128.LessThan(Positions, Vector128.Create((byte)length))).AsUInt64();
        return Mix(last.ToScalar() ^ state, last.GetElement(1) ^ 0xE703_7ED1_A0B4_28DB);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }

    private static Slot* NewTable(GrowingBuffer table, int slots)
    {
        table.Truncate(0);
        var made = (Slot*)table.Reserve(slots * sizeof(Slot));
        new Span<Slot>(made, slots).Clear();
        return made;
    }

    private static Slot* Enlarge(GrowingBuffer table, ref int mask, GrowingBuffer entries)
    {
        mask = 4 * mask + 3;
        var slots = NewTable(table, mask + 1);
        var id = 0;
        for (var at = 0; at < entries.Length; id++)
        {
            var entry = entries.Reserve(0) - entries.Length + at;
            var length = *(int*)entry;
            var hash = Hash(entry + sizeof(int), length);
            var slot = (int)hash & mask;
            while (slots[slot].Entry != 0)
                slot = slot + 1 & mask;
            slots[slot] = new Slot { Hash = (uint)(hash >> 32), Entry = at + 1, Id = (ushort)id };
            at += sizeof(int) + length;
        }
        return slots;
    }

    /// <summary>One slot of the table; free where <see cref="Entry"/> is 0.</summary>
    private struct Slot
    {
        /// <summary>Bits of the hash that do not choose the slot.</summary>
        public uint Hash;

        /// <summary>Where the entry's length stands, plus one.</summary>
        public int Entry;

        /// <summary>The entry's position.</summary>
        public ushort Id;
    }
}
