using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Connectors;

/// <summary>
/// The columns of a captured stream changed at this place of its log, so that it cannot be read further as it is planned. Everything in front was handed over:
/// after that is committed the stream is to be discovered and planned anew, and its log opened again where it is committed. Nothing gets lost by that.
/// </summary>
/// <param name="stream">Position of the stream among those that the log was opened for.</param>
/// <param name="message">What changed and what to do.</param>
public sealed class SchemaChangedException(int stream, string message) : NebulaException(ErrorKind.Schema, message)
{
    /// <summary>Position of the stream among those that the log was opened for.</summary>
    public int Stream { get; } = stream;

    /// <summary>
    /// Whether rows that are there already got other values by the change, of which the log says nothing (a new column with a default, a type changed by an
    /// expression): they stay as they are at the destination unless the stream is read anew.
    /// </summary>
    public bool ExistingRowsChanged { get; init; }
}
