using Nebula.Engine.Schemas;
namespace Nebula.Engine.Conversion;

/// <summary>What becomes of values of one type when they are converted to another.</summary>
/// <param name="Fidelity">The worst that can happen to a value.</param>
/// <param name="Note">What is rounded, dropped or refused, in a few words; null when nothing is.</param>
internal readonly record struct TypeConversion(Fidelity Fidelity, string? Note = null)
{
    /// <summary>No change at all.</summary>
    public static TypeConversion None { get; } = new(Fidelity.Exact);

    /// <summary>There is no conversion.</summary>
    public static TypeConversion Impossible { get; } = new(Fidelity.Impossible);

    /// <summary>The worse of two: what holds for values that have a part of each.</summary>
    public TypeConversion And(TypeConversion other) => other.Fidelity > Fidelity || (other.Fidelity == Fidelity && Note is null) ? other : this;
}
