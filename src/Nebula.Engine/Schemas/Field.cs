namespace Nebula.Engine.Schemas;

/// <summary>A named, typed place in a schema or struct.</summary>
/// <param name="name">Its name, as the source wrote it.</param>
/// <param name="type">Its type.</param>
/// <param name="nullable">Whether it may be null.</param>
public sealed class Field(string name, DataType type, bool nullable = true) : IEquatable<Field>
{
    /// <summary>Its name, as the source wrote it.</summary>
    public string Name { get; } = name;

    /// <summary>Its type.</summary>
    public DataType Type { get; } = type;

    /// <summary>Whether it may be null.</summary>
    public bool Nullable { get; } = nullable;

    /// <inheritdoc/>
    public bool Equals(Field? other) => other is not null && Name == other.Name && Nullable == other.Nullable && Type.Equals(other.Type);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Field);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Type, Nullable);

    /// <summary>Renders <c>name: type</c>, with <c>not null</c> where that holds.</summary>
    public override string ToString() => $"{Name}: {Type}{(Nullable ? "" : " not null")}";
}
