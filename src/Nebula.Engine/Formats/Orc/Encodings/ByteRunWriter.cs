using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Writes bytes with run length encoding (ORC v1, "Byte Run Length Encoding").</summary>
internal static class ByteRunWriter
{
    private const int MinRunLength = 3;
    private const int MaxRunLength = 127 + MinRunLength;
    private const int MaxLiterals = 128;

    /// <summary>Appends whole runs.</summary>
    /// <param name="values">The bytes.</param>
    /// <param name="target">Takes the runs.</param>
    public static void Write(ReadOnlySpan<byte> values, GrowingBuffer target)
    {
        while (!values.IsEmpty)
        {
            var run = RunLength(values);
            if (run >= MinRunLength)
            {
                target.Append((byte)(run - MinRunLength));
                target.Append(values[0]);
                values = values[run..];
                continue;
            }
            var literals = 1;
            while (literals < Math.Min(values.Length, MaxLiterals) && !StartsRun(values[literals..]))
                literals++;
            target.Append((byte)-literals);
            values[..literals].CopyTo(target.Extend(literals));
            values = values[literals..];
        }
    }

    private static bool StartsRun(ReadOnlySpan<byte> values) => values.Length >= MinRunLength && values[0] == values[1] && values[0] == values[2];

    private static int RunLength(ReadOnlySpan<byte> values)
    {
        var limited = values[..Math.Min(values.Length, MaxRunLength)];
        var length = limited.IndexOfAnyExcept(values[0]);
        return length < 0 ? limited.Length : length;
    }
}
