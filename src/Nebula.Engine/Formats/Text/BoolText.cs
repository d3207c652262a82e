using System.Runtime.CompilerServices;

namespace Nebula.Engine.Formats.Text;

/// <summary>Booleans as text.</summary>
internal static unsafe class BoolText
{
    /// <summary>Most bytes that a value takes.</summary>
    public const int MaxLength = 5;

    /// <summary>Whether a text is <c>true</c> in any case.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsTrue(byte* p, int length) => length == 4 && (*(uint*)p | 0x20202020) == 0x65757274;

    /// <summary>Whether a text is <c>false</c> in any case.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsFalse(byte* p, int length) => length == 5 && (*(uint*)p | 0x20202020) == 0x736C6166 && (p[4] | 0x20) == 'e';

    /// <summary>Writes <c>true</c> or <c>false</c>.</summary>
    /// <returns>Behind what was written.</returns>
    public static byte* Write(byte* p, bool value)
    {
        var text = value ? "true"u8 : "false"u8;
        text.CopyTo(new Span<byte>(p, MaxLength));
        return p + text.Length;
    }
}
