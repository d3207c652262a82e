using System.Text;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Tests.Formats.Text;

/// <summary>A text as parsers see it: in the middle of a buffer, with something behind it that must not matter.</summary>
internal static unsafe class PaddedText
{
    internal delegate T Read<T>(byte* p, int length);

    internal delegate byte* Write(byte* p);

    /// <summary>Reads a text three times, with digits, quotes and zeros behind it; the outcomes must be the same.</summary>
    public static T Parse<T>(string text, Read<T> read)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var buffer = new byte[8 + bytes.Length + BufferPool.Padding];
        T result = default!;
        for (var round = 0; round < 3; round++)
        {
            buffer.AsSpan().Fill((byte)"7\"\0"[round]);
            bytes.CopyTo(buffer, 8);
            fixed (byte* p = buffer)
            {
                var found = read(p + 8, bytes.Length);
                if (round > 0)
                    Assert.Equal(result, found);
                result = found;
            }
        }
        return result;
    }

    /// <summary>What a formatter writes.</summary>
    public static string Format(Write write)
    {
        var buffer = stackalloc byte[256];
        var end = write(buffer);
        return Encoding.ASCII.GetString(buffer, (int)(end - buffer));
    }
}
