using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Where the records of a stretch of JSON end.</summary>
internal enum StructureMode
{
    /// <summary>Records are the elements of an array that was opened before: a record ends where a comma or the end of the array follows.</summary>
    Elements,

    /// <summary>Records are documents one behind the other: a record ends with its last brace, bracket or quote.</summary>
    Documents,
}

/// <summary>
/// Follows strings and depth through JSON without reading values, 64 bytes at a time, to find where records end. Remembers where it stands, so that a record
/// longer than what is there is looked at once.
/// </summary>
internal sealed unsafe class StructureScanner
{
    private readonly StructureMode _mode;
    private readonly delegate*<byte*, StructureMasks> _classify;
    private long _depth;
    private ulong _escaped;
    private ulong _inString;

    /// <summary>Makes a scanner that stands between two records.</summary>
    /// <param name="mode">Where records end.</param>
    /// <param name="level">The kernel used.</param>
    public StructureScanner(StructureMode mode, SimdLevel level)
    {
        _mode = mode;
        _classify = level switch
        {
            SimdLevel.Vector512 => &StructureKernel512.Classify,
            SimdLevel.Vector256 => &StructureKernel256.Classify,
            SimdLevel.Vector128 => &StructureKernel128.Classify,
            _ => &ScalarStructureKernel.Classify,
        };
    }

    /// <summary>How far the scan has come. It goes on there when more bytes are there.</summary>
    public int Scanned { get; private set; }

    /// <summary>Where the last record that is whole ends; 0 when none does. Elements: the position of the comma behind it.</summary>
    public int LastBoundary { get; private set; }

    /// <summary>Where the first record that is whole ends; 0 when none does.</summary>
    public int FirstBoundary { get; private set; }

    /// <summary>Elements: the position of the bracket that ends the array; -1 while it was not seen.</summary>
    public int EndOfArray { get; private set; } = -1;

    /// <summary>Stands between two records again, at the start of other bytes.</summary>
    /// <param name="at">Where to begin.</param>
    public void Reset(int at)
    {
        (_depth, _escaped, _inString) = (0, 0, 0);
        (Scanned, LastBoundary, FirstBoundary, EndOfArray) = (at, 0, 0, -1);
    }

    /// <summary>Scans on, until the end of the bytes or of the array.</summary>
    /// <param name="start">The bytes; 64 more are readable behind them.</param>
    /// <param name="length">Their number.</param>
    public void Scan(byte* start, int length)
    {
        while (EndOfArray < 0 && Scanned + 64 <= length)
        {
            Step(start + Scanned, Scanned, ulong.MaxValue);
            Scanned += 64;
        }
        if (EndOfArray >= 0 || Scanned == length)
            return;
        // what is there of the last 64 bytes is looked at, and looked at again when the rest has come
        var (depth, escaped, inString) = (_depth, _escaped, _inString);
        Step(start + Scanned, Scanned, (1UL << (length - Scanned)) - 1);
        (_depth, _escaped, _inString) = (depth, escaped, inString);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Step(byte* p, int at, ulong valid)
    {
        var masks = _classify(p);
        var quotes = masks.Quotes & ~FindEscaped(masks.Backslashes) & valid;
        var inside = Bits.PrefixXor(quotes) ^ _inString;
        _inString = (ulong)((long)inside >> 63);
        var opens = masks.Opens & ~inside & valid;
        var closes = masks.Closes & ~inside & valid;
        if (_depth > BitOperations.PopCount(closes))
        {
            _depth += BitOperations.PopCount(opens) - BitOperations.PopCount(closes);
            return;
        }
        Follow(at, opens, closes, _mode == StructureMode.Elements ? masks.Commas & ~inside & valid : quotes & ~inside);
    }

    /// <summary>Goes through the marks one by one where the depth of the records may be reached.</summary>
    /// <param name="at">Position of the 64 bytes.</param>
    /// <param name="opens">Opening marks.</param>
    /// <param name="closes">Closing marks.</param>
    /// <param name="ends">What ends a record at its own depth: commas, or closing quotes.</param>
    private void Follow(int at, ulong opens, ulong closes, ulong ends)
    {
        for (var marks = opens | closes | ends; marks != 0; marks &= marks - 1)
        {
            var bit = marks & (0 - marks);
            var position = at + BitOperations.TrailingZeroCount(marks);
            if ((opens & bit) != 0)
                _depth++;
            else if ((closes & bit) != 0)
            {
                if (--_depth < 0 && _mode == StructureMode.Elements)
                {
                    EndOfArray = position;
                    return;
                }
                // a stray bracket is a record of its own, which the decoder refuses
                _depth = Math.Max(_depth, 0);
                if (_depth == 0 && _mode == StructureMode.Documents)
                    Bound(position + 1);
            }
            else if (_depth == 0)
                Bound(_mode == StructureMode.Elements ? position : position + 1);
        }
    }

    private void Bound(int position)
    {
        LastBoundary = position;
        if (FirstBoundary == 0)
            FirstBoundary = position;
    }

    /// <summary>The bytes behind an odd run of backslashes (Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019, section 3.1.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong FindEscaped(ulong backslashes)
    {
        if (backslashes == 0)
        {
            var carried = _escaped;
            _escaped = 0;
            return carried;
        }
        const ulong Odd = 0xAAAA_AAAA_AAAA_AAAA;
        var starting = backslashes & ~_escaped;
        var following = starting << 1;
        var code = ((following | Odd) - starting) ^ Odd;
        var escaped = code ^ (backslashes | _escaped);
        _escaped = (code & backslashes) >> 63;
        return escaped;
    }
}
