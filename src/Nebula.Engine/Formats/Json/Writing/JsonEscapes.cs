using System.Buffers;
using System.Runtime.CompilerServices;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>What the bytes that cannot stand in a JSON string are written as: the short form where there is one, else <c>\u00xx</c>.</summary>
internal static unsafe class JsonEscapes
{
    private const ulong UnicodeForm = '\\' | 'u' << 8 | '0' << 16 | (ulong)'0' << 24;

    /// <summary>The bytes that cannot stand in a JSON string (RFC 8259 section 7).</summary>
    public static SearchValues<byte> Escaped { get; } = SearchValues.Create(
        "\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000B\f\r\u000E\u000F"u8
        + "\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F\"\\"u8);

    private static ReadOnlySpan<byte> ShortForms =>
        [0, 0, 0, 0, 0, 0, 0, 0, (byte)'b', (byte)'t', (byte)'n', 0, (byte)'f', (byte)'r', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Bytes of the escape of one of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LengthOf(byte c) => ShortForm(c) == 0 ? 6 : 2;

    /// <summary>Writes the escape of one of them.</summary>
    /// <param name="p">Where to; eight bytes may be overwritten.</param>
    /// <param name="c">The byte.</param>
    /// <returns>Behind the escape.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Write(byte* p, byte c)
    {
        var form = ShortForm(c);
        *(ulong*)p = form != 0 ? '\\' | (ulong)form << 8 : UnicodeForm | (ulong)(uint)('0' + (c >> 4)) << 32 | (ulong)"0123456789abcdef"u8[c & 15] << 40;
        return p + (form != 0 ? 2 : 6);
    }

    /// <summary>The escape of one of them, for where speed does not matter.</summary>
    public static ReadOnlySpan<byte> Of(byte c)
    {
        var escape = new byte[sizeof(ulong)];
        fixed (byte* p = escape)
            return escape.AsSpan(0, (int)(Write(p, c) - p));
    }

    /// <summary>What follows the backslash; 0 for bytes that have no short form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte ShortForm(byte c) => c < ShortForms.Length ? ShortForms[c] : c;
}
