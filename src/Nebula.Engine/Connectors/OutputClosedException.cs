using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Connectors;

/// <summary>
/// Whoever read along at the destination has seen enough and gone (<c>nebula … | head</c>). Not a failure: there is nobody left to write for.
/// </summary>
public sealed class OutputClosedException() : NebulaException(ErrorKind.Transient, "Standard output was closed by its reader.");
