using System.Text;

namespace Nebula.Engine.Diagnostics;

/// <summary>A place in an input. Every part but the name may be unknown.</summary>
/// <param name="Name">The file or object as the user named it.</param>
/// <param name="Line">One-based line; 0 when unknown.</param>
/// <param name="Column">The name of the field, or the one-based position in the line; null when unknown.</param>
/// <param name="ByteOffset">Zero-based byte offset in the uncompressed input; -1 when unknown.</param>
public readonly record struct SourceLocation(string Name, long Line = 0, string? Column = null, long ByteOffset = -1)
{
    /// <summary>Renders <c>name, line 12, column "age"</c>; the byte offset stands in where the line is unknown.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Name);
        if (Line > 0)
            text.Append(", line ").Append(Line);
        else if (ByteOffset >= 0)
            text.Append(", byte ").Append(ByteOffset);
        if (Column is not null)
            text.Append(", column ").Append(int.TryParse(Column, out _) ? Column : $"\"{Column}\"");
        return text.ToString();
    }
}
