namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Finds where rows end in the answer to one <c>COPY</c>.</summary>
internal interface IRowCutter
{
    /// <summary>Whether the end of the rows was seen.</summary>
    bool IsEnded { get; }

    /// <summary>Finds what comes once before the first row.</summary>
    /// <param name="bytes">The first bytes.</param>
    /// <returns>Its length; 0 when there is none, more bytes are needed or it was found before.</returns>
    /// <exception cref="Engine.Diagnostics.DataFormatException">It is not what it should be.</exception>
    int SkipHeader(ReadOnlySpan<byte> bytes);

    /// <summary>Finds the end of the last whole row.</summary>
    /// <param name="bytes">Bytes that start with a row.</param>
    /// <param name="position">Where they stand in the answer, for messages.</param>
    /// <param name="isAtEnd">Whether nothing follows them.</param>
    /// <param name="context">What the decoder has to know.</param>
    /// <returns>Number of bytes up to there; 0 when there is no whole row.</returns>
    /// <exception cref="Engine.Diagnostics.DataFormatException">What is there are no rows.</exception>
    int Cut(ReadOnlySpan<byte> bytes, long position, bool isAtEnd, out int context);
}
