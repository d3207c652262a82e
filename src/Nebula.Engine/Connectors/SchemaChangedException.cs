using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Connectors;

/// <summary>
/// The log has changes of columns that a stream's plan does not know, or knows with another type. Everything before them was handed over; the stream is
/// planned anew, and the log opened again behind what is committed.
/// </summary>
/// <param name="stream">Position of the stream among those that the log was opened for.</param>
/// <param name="message">What changed, for people.</param>
public sealed class SchemaChangedException(int stream, string message) : NebulaException(ErrorKind.Schema, message)
{
    /// <summary>Position of the stream among those that the log was opened for.</summary>
    public int Stream { get; } = stream;
}
