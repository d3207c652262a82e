namespace Nebula.Engine.Schemas;

/// <summary>What becomes of the values of a type on the way into another.</summary>
public enum Fidelity
{
    /// <summary>Same values, same meaning; reading back gives the same type.</summary>
    Exact,

    /// <summary>Every value is kept, in a type that can hold more; reading back gives that one.</summary>
    Widened,

    /// <summary>Values or their meaning can get lost: precision, range, a zone. Refused unless the user allows it (<c>lossy</c>).</summary>
    Lossy,

    /// <summary>There is no way to store it.</summary>
    Impossible,
}

/// <summary>How a format or system stores a type.</summary>
/// <param name="StoredAs">In the format's own words, as its specification names it.</param>
/// <param name="Fidelity">What becomes of the values.</param>
/// <param name="Note">What gets lost or changes, in a few words; null when nothing does.</param>
public readonly record struct TypeMapping(string StoredAs, Fidelity Fidelity = Fidelity.Exact, string? Note = null)
{
    /// <summary>
    /// The type that columns are converted to before they are written; null when what writes them takes the type itself.
    /// </summary>
    public DataType? WrittenAs { get; init; }
}
