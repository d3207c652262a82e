using System.Buffers.Binary;
using System.Text;

namespace Nebula.Orchestration.Replay;

/// <summary>Values that look random and are the same in each replay.</summary>
internal static class DeterministicValues
{
    /// <summary>A name-based identifier (RFC 9562, version 8).</summary>
    public static Guid Guid(string executionId, string instanceId, int number)
    {
        Span<byte> bytes = stackalloc byte[16];
        var hash = Hash128.Of(Encoding.UTF8.GetBytes($"{executionId}\n{instanceId}\n{number}"));
        BinaryPrimitives.WriteUInt64BigEndian(bytes, hash.Upper);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], hash.Lower);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>A number from 0 up to 1.</summary>
    public static double Fraction(string executionId, int number) =>
        (uint)Hash128.Of(Encoding.UTF8.GetBytes($"{executionId}\n{number}")).Lower / (uint.MaxValue + 1.0);
}
