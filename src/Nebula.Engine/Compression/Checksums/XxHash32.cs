using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Nebula.Engine.Compression.Checksums;

/// <summary>xxHash32 with seed 0, over content that comes in pieces (xxHash fast digest algorithm, version 0.1.1, section "XXH32").</summary>
internal struct XxHash32
{
    private const int StripeSize = 16;
    private const uint Prime1 = 0x9E3779B1;
    private const uint Prime2 = 0x85EBCA77;
    private const uint Prime3 = 0xC2B2AE3D;
    private const uint Prime4 = 0x27D4EB2F;
    private const uint Prime5 = 0x165667B1;
    private uint _a;
    private uint _b;
    private uint _c;
    private uint _d;
    private ulong _length;
    private Stripe _partial;

    /// <summary>Starts anew. Needed before the first piece.</summary>
    public void Reset()
    {
        unchecked
        {
            (_a, _b, _c, _d, _length) = (Prime1 + Prime2, Prime2, 0, 0 - Prime1, 0);
        }
    }

    /// <summary>The hash of one span.</summary>
    public static uint Hash(ReadOnlySpan<byte> data)
    {
        var hash = default(XxHash32);
        hash.Reset();
        hash.Append(data);
        return hash.Current();
    }

    /// <summary>Adds a piece.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        var partial = (int)(_length % StripeSize);
        _length += (ulong)data.Length;
        if (partial > 0)
        {
            var taken = Math.Min(StripeSize - partial, data.Length);
            data[..taken].CopyTo(((Span<byte>)_partial)[partial..]);
            data = data[taken..];
            if (partial + taken < StripeSize)
                return;
            AppendStripes(_partial);
        }
        var whole = data.Length & -StripeSize;
        AppendStripes(data[..whole]);
        data[whole..].CopyTo(_partial);
    }

    /// <summary>The hash of all pieces so far.</summary>
    public readonly uint Current()
    {
        var hash = _length < StripeSize ? Prime5
            : BitOperations.RotateLeft(_a, 1) + BitOperations.RotateLeft(_b, 7) + BitOperations.RotateLeft(_c, 12) + BitOperations.RotateLeft(_d, 18);
        hash += (uint)_length;
        ReadOnlySpan<byte> tail = ((ReadOnlySpan<byte>)_partial)[..(int)(_length % StripeSize)];
        for (; tail.Length >= 4; tail = tail[4..])
            hash = BitOperations.RotateLeft(hash + BinaryPrimitives.ReadUInt32LittleEndian(tail) * Prime3, 17) * Prime4;
        foreach (var value in tail)
            hash = BitOperations.RotateLeft(hash + value * Prime5, 11) * Prime1;
        hash = (hash ^ hash >> 15) * Prime2;
        hash = (hash ^ hash >> 13) * Prime3;
        return hash ^ hash >> 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AppendStripes(ReadOnlySpan<byte> stripes)
    {
        var (a, b, c, d) = (_a, _b, _c, _d);
        for (; stripes.Length >= StripeSize; stripes = stripes[StripeSize..])
        {
            a = Round(a, BinaryPrimitives.ReadUInt32LittleEndian(stripes));
            b = Round(b, BinaryPrimitives.ReadUInt32LittleEndian(stripes[4..]));
            c = Round(c, BinaryPrimitives.ReadUInt32LittleEndian(stripes[8..]));
            d = Round(d, BinaryPrimitives.ReadUInt32LittleEndian(stripes[12..]));
        }
        (_a, _b, _c, _d) = (a, b, c, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Round(uint sum, uint value) => BitOperations.RotateLeft(sum + value * Prime2, 13) * Prime1;

    [InlineArray(StripeSize)]
    private struct Stripe
    {
        private byte _first;
    }
}
