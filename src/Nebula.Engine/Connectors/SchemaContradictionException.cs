using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Connectors;

/// <summary>
/// A value contradicts what was inferred from a sample: it does not fit its column's type, or the column was not in the sample. The run may start again
/// with a schema inferred from every value; where it cannot, this ends it.
/// </summary>
/// <param name="message">What was found and what to do.</param>
/// <param name="location">Where it was found.</param>
public sealed class SchemaContradictionException(string message, SourceLocation location) : NebulaException(ErrorKind.Data, message, location);
