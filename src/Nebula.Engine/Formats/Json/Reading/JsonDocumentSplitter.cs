using System.Runtime.InteropServices;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Cuts where a document ends, however many lines it has.</summary>
internal sealed unsafe class JsonDocumentSplitter(SimdLevel level) : IRecordSplitter
{
    private readonly StructureScanner _scanner = new(StructureMode.Documents, level);
    private bool _isStarted;

    /// <inheritdoc/>
    public int FindBoundary(ReadOnlySpan<byte> bytes, bool endOfInput, out int context)
    {
        context = (int)(_isStarted ? JsonBlockContext.Inside : JsonBlockContext.Start);
        var boundary = bytes.Length;
        if (!endOfInput)
        {
            fixed (byte* start = &MemoryMarshal.GetReference(bytes))
                _scanner.Scan(start, bytes.Length);
            boundary = _scanner.LastBoundary;
        }
        if (boundary > 0)
        {
            _isStarted = true;
            _scanner.Reset(0);
        }
        return boundary;
    }
}
