using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Nebula.Functions.Triggers;

/// <summary>Names occasions: as people can read them, with what ids of instances may have, and yet different for different occasions.</summary>
internal static class Occasions
{
    private const int MaxReadable = 64;
    private const int HashLength = 12;

    /// <summary>Names an occasion by ids that a system gave.</summary>
    /// <param name="kind">What kind of occasion it is.</param>
    /// <param name="id">The id that people look for.</param>
    /// <param name="more">Further parts of its identity.</param>
    public static string Of(string kind, string id, string more = "")
    {
        var readable = string.Concat(id.Take(MaxReadable).Select(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '-'));
        return readable == id && more.Length == 0 ? $"{kind}-{id}" : $"{kind}-{readable}-{HashOf(id, more)}";
    }

    /// <summary>Names an occasion by a time.</summary>
    /// <param name="kind">What kind of occasion it is.</param>
    /// <param name="time">The time, UTC.</param>
    public static string Of(string kind, DateTime time) => $"{kind}-{time.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";

    private static string HashOf(string id, string more) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{id.Length}:{id}{more}")))[..HashLength];
}
