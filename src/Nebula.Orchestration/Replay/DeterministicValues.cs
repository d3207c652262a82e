using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Nebula.Orchestration.Replay;

/// <summary>Values that look random and are the same in each replay.</summary>
internal static class DeterministicValues
{
    /// <summary>A name-based identifier (RFC 9562, version 8).</summary>
    public static Guid Guid(string executionId, string instanceId, int number)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{executionId}\n{instanceId}\n{number}"), hash);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

    /// <summary>A number from 0 up to 1.</summary>
    public static double Fraction(string executionId, int number)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{executionId}\n{number}"), hash);
        return BinaryPrimitives.ReadUInt32LittleEndian(hash) / (uint.MaxValue + 1.0);
    }
}
