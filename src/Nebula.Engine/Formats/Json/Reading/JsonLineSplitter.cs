namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Cuts behind line feeds.</summary>
/// <param name="inside">Whether it starts in the middle of a file.</param>
internal sealed class JsonLineSplitter(bool inside = false) : IRecordSplitter
{
    private bool _isStarted = inside;
    private int _seen;

    /// <inheritdoc/>
    public int FindBoundary(ReadOnlySpan<byte> bytes, bool endOfInput, out int context)
    {
        context = (int)(_isStarted ? JsonBlockContext.Inside : JsonBlockContext.Start);
        var last = endOfInput ? bytes.Length - 1 : bytes[_seen..].LastIndexOf((byte)'\n');
        if (last < 0)
        {
            _seen = bytes.Length;
            return 0;
        }
        last += endOfInput ? 0 : _seen;
        _seen = 0;
        _isStarted = true;
        return last + 1;
    }
}
