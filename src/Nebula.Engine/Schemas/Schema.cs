using System.Collections.Immutable;

namespace Nebula.Engine.Schemas;

/// <summary>The columns of a stream, in order. Immutable, compared by value.</summary>
/// <param name="fields">The columns.</param>
public sealed class Schema(ImmutableArray<Field> fields) : IEquatable<Schema>
{
    /// <summary>Makes a schema from its fields.</summary>
    /// <param name="fields">The columns.</param>
    public Schema(IEnumerable<Field> fields) : this([.. fields])
    {
    }

    /// <summary>The columns.</summary>
    public ImmutableArray<Field> Fields { get; } = fields;

    /// <summary>Finds a column by its exact name.</summary>
    /// <param name="name">The name.</param>
    /// <returns>Its position, or -1.</returns>
    public int IndexOf(string name)
    {
        for (var i = 0; i < Fields.Length; i++)
            if (Fields[i].Name == name)
                return i;
        return -1;
    }

    /// <inheritdoc/>
    public bool Equals(Schema? other) => other is not null && Fields.AsSpan().SequenceEqual(other.Fields.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Schema);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = Fields.Length;
        foreach (var field in Fields)
            hash = HashCode.Combine(hash, field);
        return hash;
    }

    /// <summary>Renders all fields, separated by commas.</summary>
    public override string ToString() => string.Join(", ", Fields);
}
