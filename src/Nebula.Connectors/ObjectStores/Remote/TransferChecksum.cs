using System.Security.Cryptography;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>The checksum that goes with what is sent: the service refuses bytes that changed on the way. It protects against accidents; against adversaries the
/// connection does.</summary>
internal static class TransferChecksum
{
    /// <summary>The MD5 of bytes (RFC 1321), which all services check.</summary>
    /// <param name="content">The bytes.</param>
#pragma warning disable CA5351 // the services' choice, and no protection against adversaries
    public static byte[] Of(ReadOnlySpan<byte> content) => MD5.HashData(content);
#pragma warning restore CA5351
}
