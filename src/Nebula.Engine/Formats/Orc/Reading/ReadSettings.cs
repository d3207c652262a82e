using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Orc.Metadata;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>What all readers of the columns of a block share.</summary>
/// <param name="Pool">Where buffers come from.</param>
/// <param name="PostScript">How the file is compressed.</param>
/// <param name="MaxRecordSize">Most bytes that one record may have.</param>
internal sealed record ReadSettings(BufferPool Pool, PostScript PostScript, int MaxRecordSize)
{
    /// <summary>Bytes of a batch from which on it is read again in smaller pieces.</summary>
    public const int LargeBatch = 64 << 20;

    /// <summary>Settings of a reader.</summary>
    public static ReadSettings From(ReadContext context, PostScript postScript) => new(context.Pool, postScript, context.MaxRecordSize);
}

/// <summary>A batch would become so large that it must be read with fewer rows. Never seen outside of this folder.</summary>
internal sealed class BatchTooLargeException : Exception;
