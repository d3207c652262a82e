using System.Buffers;
using System.Runtime.InteropServices;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// Cuts an array in front of the commas between its elements, so that a file of one array is never in memory as a whole. What stands around the array is
/// checked here. A cut leaves at least the comma behind: so the end of a file that was cut off is always seen.
/// </summary>
/// <param name="name">The file, for messages.</param>
/// <param name="path">The keys that lead to the array; empty when it is the whole document.</param>
/// <param name="level">The kernel used.</param>
internal sealed unsafe class JsonArraySplitter(string name, IReadOnlyList<string> path, SimdLevel level) : IRecordSplitter
{
    private static readonly SearchValues<byte> Blanks = SearchValues.Create(" \t\r\n"u8);
    private readonly StructureScanner _scanner = new(StructureMode.Elements, level);
    private State _state;
    private long _offset;
    private long _opened;

    private enum State
    {
        Before,
        Opened,
        Inside,
        Behind,
    }

    /// <summary>Finds where the array of records opens.</summary>
    /// <param name="bytes">The stream from its start.</param>
    /// <param name="endOfInput">Whether nothing follows.</param>
    /// <param name="path">The keys that lead to it.</param>
    /// <param name="name">The file, for messages.</param>
    /// <returns>Position of the bracket; -1 when it is not there yet, or when the whole stream is blank.</returns>
    /// <exception cref="DataFormatException">There is something else.</exception>
    public static int FindStart(ReadOnlySpan<byte> bytes, bool endOfInput, IReadOnlyList<string> path, string name)
    {
        if (!endOfInput && bytes.Length < 3 && "\uFEFF"u8.StartsWith(bytes))
            return -1;
        var at = bytes.StartsWith("\uFEFF"u8) ? 3 : 0;
        var first = bytes[at..].IndexOfAnyExcept(Blanks);
        if (first < 0)
            return -1;
        at += first;
        if (path.Count > 0)
            return JsonPathFinder.FindArray(bytes, at, endOfInput, path, name);
        if (bytes[at] != '[')
            throw new DataFormatException(
                $"The file should be a JSON array but starts with {DataFormatException.Show(bytes.Slice(at, 1))}. Leave 'layout' out to have it detected.",
                new SourceLocation(name, ByteOffset: at));
        return at;
    }

    /// <inheritdoc/>
    public int FindBoundary(ReadOnlySpan<byte> bytes, bool endOfInput, out int context)
    {
        context = (int)(_state switch
        {
            State.Before or State.Opened => JsonBlockContext.Start,
            State.Inside => JsonBlockContext.Inside,
            _ => JsonBlockContext.Outside,
        });
        if (_state == State.Before)
        {
            var start = FindStart(bytes, endOfInput, path, name);
            if (start < 0)
                return endOfInput ? bytes.Length : 0;
            _opened = start;
            _scanner.Reset(start + 1);
            _state = State.Opened;
        }
        var cut = _state == State.Behind ? CheckTail(bytes, 0, endOfInput) : Cut(bytes, endOfInput);
        _offset += cut;
        return cut;
    }

    private int Cut(ReadOnlySpan<byte> bytes, bool endOfInput)
    {
        fixed (byte* start = &MemoryMarshal.GetReference(bytes))
            _scanner.Scan(start, bytes.Length);
        if (_scanner.EndOfArray >= 0)
        {
            _state = State.Behind;
            return CheckTail(bytes, _scanner.EndOfArray + 1, endOfInput);
        }
        if (endOfInput)
            throw new DataFormatException($"The array that opens at byte {_opened} is never closed: the file is cut off, or ']' is missing at its end.",
                new SourceLocation(name, ByteOffset: _offset + bytes.Length));
        var cut = _scanner.LastBoundary;
        if (cut > 0)
        {
            _state = State.Inside;
            _scanner.Reset(1); // behind the comma that the next block starts with
        }
        return cut;
    }

    private int CheckTail(ReadOnlySpan<byte> bytes, int at, bool endOfInput)
    {
        if (path.Count > 0)
        {
            if (!endOfInput)
                return at;
            JsonPathFinder.CheckTail(bytes[at..], path.Count, name, _offset + at);
            return bytes.Length;
        }
        var garbage = bytes[at..].IndexOfAnyExcept(Blanks);
        if (garbage >= 0)
            throw new DataFormatException(
                $"Nothing may follow the array, but {DataFormatException.Show(bytes[(at + garbage)..], 24)} does. "
                + "Set 'layout: documents' to read several documents.",
                new SourceLocation(name, ByteOffset: _offset + at + garbage));
        return bytes.Length;
    }
}
