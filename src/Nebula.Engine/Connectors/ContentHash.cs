using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Nebula.Engine.Connectors;

/// <summary>
/// Stands for the values of some rows, whatever their order: one hash for each column, and one for the rows as wholes,
/// which also tells values that changed places.
/// </summary>
/// <param name="rows">Sum of the hashes of the rows, modulo 2^64.</param>
/// <param name="columns">For each column the sum of the hashes of its values, modulo 2^64.</param>
public sealed class ContentHash(ulong rows, ImmutableArray<ulong> columns) : IEquatable<ContentHash>
{
    private const int Digits = 16;

    /// <summary>Sum of the hashes of the rows, modulo 2^64.</summary>
    public ulong Rows { get; } = rows;

    /// <summary>For each column the sum of the hashes of its values, modulo 2^64.</summary>
    public ImmutableArray<ulong> Columns { get; } = columns;

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Null when it is none.</returns>
    public static ContentHash? Parse(string text)
    {
        if (text.Length == 0 || text.Length % Digits != 0)
            return null;
        var words = ImmutableArray.CreateBuilder<ulong>(text.Length / Digits);
        for (var i = 0; i < text.Length; i += Digits)
        {
            if (!ulong.TryParse(text.AsSpan(i, Digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var word))
                return null;
            words.Add(word);
        }
        return new ContentHash(words[0], words.ToImmutable()[1..]);
    }

    /// <inheritdoc/>
    public bool Equals(ContentHash? other) => other is not null && Rows == other.Rows && Columns.AsSpan().SequenceEqual(other.Columns.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ContentHash);

    /// <inheritdoc/>
    public override int GetHashCode() => Rows.GetHashCode();

    /// <summary>Renders 16 hexadecimal digits for the rows, and as many for each column.</summary>
    public override string ToString()
    {
        var text = new StringBuilder((Columns.Length + 1) * Digits);
        text.Append(CultureInfo.InvariantCulture, $"{Rows:x16}");
        foreach (var column in Columns)
            text.Append(CultureInfo.InvariantCulture, $"{column:x16}");
        return text.ToString();
    }
}
