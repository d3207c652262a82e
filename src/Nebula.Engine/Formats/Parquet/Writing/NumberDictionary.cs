using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Builds dictionaries of numbers of 4 or 8 bytes.</summary>
internal static unsafe class NumberDictionary
{
    /// <summary>Numbers whose distance is below this get a table with a slot for each: it stays in the second-level cache.</summary>
    public const int DirectRange = 1 << 16;

    // A search gives up after this many slots, so that no choice of values makes it slow.
    private const int MaxProbes = 64;

    /// <summary>Builds a sorted dictionary of integers that lie close together.</summary>
    /// <param name="values">The integers.</param>
    /// <param name="count">How many.</param>
    /// <param name="min">The least.</param>
    /// <param name="range">Distance of the greatest, below <see cref="DirectRange"/>.</param>
    /// <param name="scratch">Working memory.</param>
    /// <param name="entries">Takes the distinct integers in ascending order.</param>
    /// <param name="ids">Takes the position of each integer.</param>
    /// <returns>Number of distinct integers.</returns>
    public static int BuildDirect<T>(T* values, int count, T min, int range, GrowingBuffer scratch, GrowingBuffer entries, GrowingBuffer ids)
        where T : unmanaged, IBinaryInteger<T>
    {
        scratch.Truncate(0);
        var table = (ushort*)scratch.Reserve((range + 1) * sizeof(ushort));
        new Span<ushort>(table, range + 1).Clear();
        for (var i = 0; i < count; i++)
            table[uint.CreateTruncating(unchecked(values[i] - min))] = 1;
        entries.Truncate(0);
        var distinct = 0;
        for (var slot = 0; slot <= range; slot++)
        {
            if (table[slot] == 0)
                continue;
            table[slot] = (ushort)distinct++;
            entries.Append(unchecked(min + T.CreateTruncating(slot)));
        }
        var target = Ids(ids, count);
        for (var i = 0; i < count; i++)
            target[i] = table[uint.CreateTruncating(unchecked(values[i] - min))];
        return distinct;
    }

    /// <summary>Counts the distinct integers among those that lie close together.</summary>
    public static int CountDirect<T>(T* values, int count, T min, int range, GrowingBuffer scratch) where T : unmanaged, IBinaryInteger<T>
    {
        scratch.Truncate(0);
        var table = scratch.Reserve(range + 1);
        new Span<byte>(table, range + 1).Clear();
        for (var i = 0; i < count; i++)
            table[uint.CreateTruncating(unchecked(values[i] - min))] = 1;
        return new ReadOnlySpan<byte>(table, range + 1).Count((byte)1);
    }

    /// <summary>Builds a dictionary of any numbers in the order in which they come, by their bits.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="count">How many.</param>
    /// <param name="maxEntries">Most distinct numbers, at most <see cref="ChunkValues.MaxDictionaryEntries"/>.</param>
    /// <param name="scratch">Working memory.</param>
    /// <param name="entries">Takes the distinct numbers.</param>
    /// <param name="ids">Takes the position of each number.</param>
    /// <returns>Number of distinct numbers; -1 when there are more than allowed, or when they collide too often.</returns>
    public static int BuildHashed<T>(T* values, int count, int maxEntries, GrowingBuffer scratch, GrowingBuffer entries, GrowingBuffer ids)
        where T : unmanaged, IBinaryInteger<T>
    {
        // half full at most; 0 is a free slot, since positions are kept one higher
        var slots = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2 * maxEntries));
        var shift = 64 - BitOperations.Log2((uint)slots);
        scratch.Truncate(0);
        var table = (int*)scratch.Reserve(slots * sizeof(int));
        new Span<int>(table, slots).Clear();
        entries.Truncate(0);
        var known = (T*)entries.Reserve(maxEntries * sizeof(T));
        var target = Ids(ids, count);
        var distinct = 0;
        for (var i = 0; i < count; i++)
        {
            var value = values[i];
            var slot = (uint)(Hash(ulong.CreateTruncating(value)) >> shift);
            var probe = 0;
            for (; ; slot = slot + 1 & (uint)(slots - 1))
            {
                var id = table[slot];
                if (id == 0)
                {
                    if (distinct == maxEntries)
                        return -1;
                    known[distinct] = value;
                    table[slot] = ++distinct;
                    target[i] = (ushort)(distinct - 1);
                    break;
                }
                if (known[id - 1] == value)
                {
                    target[i] = (ushort)(id - 1);
                    break;
                }
                if (++probe > MaxProbes)
                    return -1;
            }
        }
        entries.Extend(distinct * sizeof(T));
        return distinct;
    }

    /// <summary>Counts the distinct numbers of a sample taken evenly.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="count">How many.</param>
    /// <param name="sample">How many of them are looked at, at most <paramref name="count"/>.</param>
    /// <param name="scratch">Working memory.</param>
    public static int CountSample<T>(T* values, int count, int sample, GrowingBuffer scratch) where T : unmanaged, IBinaryInteger<T>
    {
        var slots = (int)BitOperations.RoundUpToPowerOf2((uint)(4 * sample));
        var shift = 64 - BitOperations.Log2((uint)slots);
        scratch.Truncate(0);
        var table = (T*)scratch.Reserve(slots * sizeof(T) + slots);
        var used = (byte*)(table + slots);
        new Span<byte>(used, slots).Clear();
        var distinct = 0;
        for (var i = 0; i < sample; i++)
        {
            var value = values[(long)i * count / sample];
            var slot = (uint)(Hash(ulong.CreateTruncating(value)) >> shift);
            while (used[slot] != 0 && table[slot] != value)
                slot = slot + 1 & (uint)(slots - 1);
            distinct += 1 - used[slot];
            used[slot] = 1;
            table[slot] = value;
        }
        return distinct;
    }

    private static ushort* Ids(GrowingBuffer ids, int count)
    {
        ids.Truncate(0);
        return (ushort*)ids.Reserve(checked((count + 8) * sizeof(ushort)));
    }

    // Two rounds, since numbers often differ in high bits alone (floating point) or in low ones alone.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(ulong value)
    {
        value *= 0x9E37_79B9_7F4A_7C15;
        return (value ^ value >> 32) * 0xD6E8_FEB8_6659_FD93;
    }
}
