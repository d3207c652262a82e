namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>
/// Bytes that one batch may take beyond those that the file has for it: dictionaries, runs, views and nulls without a buffer can stand for any number of
/// values.
/// </summary>
/// <param name="bytes">The bytes.</param>
internal sealed class DecodeBudget(long bytes)
{
    private long _left = bytes;

    /// <summary>Takes bytes.</summary>
    /// <param name="count">Number of bytes.</param>
    /// <exception cref="BatchTooLargeException">There are not so many left.</exception>
    public void Charge(long count)
    {
        _left -= count;
        if (_left < 0)
            throw new BatchTooLargeException();
    }
}

/// <summary>A batch needs more memory than it may have: whoever asked for it asks for fewer rows.</summary>
internal sealed class BatchTooLargeException : Exception;
