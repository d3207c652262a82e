using Nebula.Engine.Connectors;

namespace Nebula.Engine.Formats;

/// <summary>The frame of a file of text: fixed bytes before, between and behind the blocks.</summary>
/// <param name="prologue">Before the first block, even when none follows.</param>
/// <param name="separator">Between two blocks.</param>
/// <param name="epilogue">Behind the last block.</param>
/// <param name="emptyEpilogue">At the end when there was no block.</param>
internal sealed class TextFrame(
    ReadOnlyMemory<byte> prologue, ReadOnlyMemory<byte> separator, ReadOnlyMemory<byte> epilogue, ReadOnlyMemory<byte> emptyEpilogue) : IFileFrame
{
    private bool _hasBlocks;

    public void Begin(IFileOutput output) => output.Write(prologue.Span);

    public void Add(EncodedBlock block, IFileOutput output)
    {
        if (_hasBlocks)
            output.Write(separator.Span);
        _hasBlocks = true;
        output.Write(block);
    }

    public void End(IFileOutput output) => output.Write((_hasBlocks ? epilogue : emptyEpilogue).Span);
}
