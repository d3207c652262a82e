using System.Runtime.CompilerServices;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// Which strings are taken for timestamps unasked: those that are written as the same instant again. Blanks instead of T, missing seconds and lower-case
/// letters
/// are not, because text that only looks like a time must come through as it is.
/// </summary>
internal static unsafe class JsonTemporal
{
    /// <summary>Reads <c>YYYY-MM-DDTHH:MM:SS</c>, a fraction and a zone.</summary>
    /// <inheritdoc cref="Temporal.TryParseTimestamp"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParseCanonical(byte* p, int length, bool nanoseconds, out long value, out bool hasZone)
    {
        if (length >= 19 && p[10] == 'T' && p[length - 1] != 'z')
            return Temporal.TryParseTimestamp(p, length, nanoseconds, out value, out hasZone);
        value = 0;
        hasZone = false;
        return false;
    }
}
