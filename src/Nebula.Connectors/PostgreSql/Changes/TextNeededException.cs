using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>A binary log has a value that only its text tells, or that is not to be read: the log is read as text from here on.</summary>
internal sealed class TextNeededException() : NebulaException(ErrorKind.Fatal, "A value of the log cannot be read in binary form. This is a defect: report it.");
