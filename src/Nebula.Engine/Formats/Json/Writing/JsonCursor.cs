namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>
/// One column of one batch as the row loop sees it: plain pointers, nothing to look up. Lives in native memory, the children of a node side by side.
/// </summary>
internal unsafe struct JsonCursor
{
    /// <summary>How values are stored and written.</summary>
    public JsonValueKind Kind;

    /// <summary>Whether a timestamp ends in Z.</summary>
    public bool IsUtc;

    /// <summary>Digits behind the point of a decimal.</summary>
    public int Scale;

    /// <summary>What stands in front of a value: comma, key, colon, opening quote; readable in whole runs of <see cref="JsonNode.PrefixRun"/> bytes.</summary>
    public byte* Prefix;

    /// <summary>Bytes of <see cref="Prefix"/>.</summary>
    public int PrefixLength;

    /// <summary>How many decimals the last double had; see <see cref="Text.NumberFormatter.WriteDouble"/>.</summary>
    public int Places;

    /// <summary>Strings of the batch so far that had something to escape; counted up to the point where it changes the way they are written.</summary>
    public int Escapes;

    /// <summary>Values, bits or bytes of strings.</summary>
    public byte* Values;

    /// <summary>Offsets of strings, lists and maps.</summary>
    public int* Offsets;

    /// <summary>Bit per value, set where it is not null; null when none is.</summary>
    public byte* Validity;

    /// <summary>Positions in a dictionary.</summary>
    public int* Indices;

    /// <summary>The children.</summary>
    public JsonCursor* Children;

    /// <summary>Number of <see cref="Children"/>.</summary>
    public int ChildCount;
}
