using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>Writes strings of which many have something to escape: by way of <see cref="ByteFilter"/>, and so without asking which.</summary>
internal static unsafe class EscapedString
{
    private const int Run = 32;

    /// <summary>Writes the text and its closing quote.</summary>
    /// <param name="p">Where to.</param>
    /// <param name="text">The text; a register behind it is readable.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="output">Gives the space for what escapes add.</param>
    /// <returns>Behind the closing quote.</returns>
    public static byte* Write(byte* p, byte* text, int length, TextOutput output)
    {
        for (; length > 0; length -= Run, text += Run)
        {
            var bytes = Vector256.Load(text);
            var run = Math.Min(length, Run);
            var isControl = Vector256.LessThan(bytes, Vector256.Create((byte)' '));
            var letters = Avx512Vbmi.VL.PermuteVar32x8(
                Vector256.Create(0, 0, 0, 0, 0, 0, 0, 0, (byte)'b', (byte)'t', (byte)'n', 0, (byte)'f', (byte)'r', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                    0, 0, 0), bytes);
            if (((isControl & Vector256.Equals(letters, default)).ExtractMostSignificantBits() & Bits.Low(run)) != 0)
            {
                p = WriteLongEscapes(p, text, run, output);
                continue;
            }
            var isEscaped = isControl | Vector256.Equals(bytes, Vector256.Create((byte)'"')) | Vector256.Equals(bytes, Vector256.Create((byte)'\\'));
            var escapes = BitOperations.PopCount(isEscaped.ExtractMostSignificantBits() & Bits.Low(run));
            p = output.Spend(p, escapes);
            // every byte with a backslash in front of it, and those backslashes left out that nobody needs
            var pairs = Avx512BW.ConvertToVector512UInt16(Vector256.ConditionalSelect(isControl, letters, bytes)) << 8 | Vector512.Create((ushort)'\\');
            var kept = Avx512BW.ConvertToVector512UInt16(isEscaped) | Vector512.Create((ushort)0xFF00);
            ByteFilter.Keep(pairs.AsByte(), kept.AsByte()).Store(p);
            p += run + escapes;
        }
        *p = (byte)'"';
        return p + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteLongEscapes(byte* p, byte* text, int length, TextOutput output)
    {
        for (var i = 0; i < length; i++)
        {
            var c = text[i];
            if (c >= ' ' && c != '"' && c != '\\')
                *p++ = c;
            else
                p = JsonEscapes.Write(output.Spend(p, JsonEscapes.LengthOf(c) - 1), c);
        }
        return p;
    }
}
