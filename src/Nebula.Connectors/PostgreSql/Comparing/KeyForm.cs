using System.Globalization;
using System.Text;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Writing;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Comparing;

/// <summary>
/// The key of a row as one value that has the same order on every server: a whole number, a UUID, or else the text of all columns of the key by the values of
/// its bytes, whatever collation the columns have.
/// </summary>
internal sealed class KeyForm : IComparer<string>
{
    private const string Number = "int8";
    private const string Text = "text";
    private const string Uuid = "uuid";
    private readonly string _type;
    private readonly string? _column;

    private KeyForm(string value, string type, string? column) => (Value, _type, _column) = (type == Text ? $"({value}) COLLATE \"C\"" : value, type, column);

    /// <summary>The value, as SQL.</summary>
    public string Value { get; }

    /// <summary>Whether the order is that of texts, which have the bytes of UTF-8 in databases of that encoding only.</summary>
    public bool IsText => _type == Text;

    /// <summary>Finds the form for the table that a stream is read from; rows are called t.</summary>
    /// <param name="plan">The stream.</param>
    public static KeyForm OfSource(StreamPlan plan) => Of(
        plan, column => new ColumnForm.Place(CopyQuery.ColumnOf(plan.Columns[column].SourceName), null),
        column => TableDetails.DeclaredOf(plan, column) is not { } declared ? null
            : declared is "smallint" or "integer" or "bigint" ? Number
            : declared is "text" || declared.StartsWith("character varying", StringComparison.Ordinal) ? Text
            : declared is "uuid" ? Uuid : null);

    /// <summary>Finds the form for the table that a stream is written to; rows are called t.</summary>
    /// <param name="plan">The stream.</param>
    /// <param name="table">The table.</param>
    public static KeyForm OfTarget(StreamPlan plan, TargetTable table)
    {
        return Of(plan, column => PlaceOf(column), column => PlaceOf(column).Stored!.Base switch
        {
            "int2" or "int4" or "int8" => Number,
            "text" or "varchar" => Text,
            "uuid" => Uuid,
            _ => null,
        });

        ColumnForm.Place PlaceOf(int column)
        {
            var name = plan.Columns[column].Field.Name;
            return new ColumnForm.Place(CopyQuery.ColumnOf(name), table.Column(name)!.Type);
        }
    }

    /// <summary>Writes keys as an array.</summary>
    /// <param name="keys">The keys.</param>
    public string Array(IEnumerable<string> keys) => $"{SqlName.Literal($"{{{string.Join(',', keys.Select(Element))}}}")}::{_type}[]";

    /// <summary>Writes the condition on the rows of a set of keys.</summary>
    /// <param name="keys">The keys.</param>
    public string Condition(KeySet keys)
    {
        var conditions = new List<string>();
        if (keys.Keys.Length > 0)
        {
            var array = Array(keys.Keys);
            // by an index, where there is one; a collation may take texts for the same that are not
            conditions.Add(_column is null ? $"{Value} = ANY ({array})" : IsText ? $"{_column} = ANY ({array}) AND {Value} = ANY ({array})"
                : $"{_column} = ANY ({array})");
        }
        if (keys.Ranges.Length > 0)
            conditions.Add(new KeyLocator(this, [.. keys.Ranges.Order(Comparer<KeyRange>.Create((a, b) => Compare(a.From, b.From)))]).Condition);
        return conditions.Count == 0 ? "false" : $"({string.Join(" OR ", conditions)})";
    }

    /// <summary>Writes a condition that all rows from one key up to another meet, as an index can look it up.</summary>
    /// <param name="from">The first key; null for no bound.</param>
    /// <param name="to">The key behind the last; null for no bound.</param>
    /// <returns>Null when there is nothing that an index could do.</returns>
    public string? Between(string? from, string? to)
    {
        if (_column is null || IsText)
            return null;
        var (first, end) = (Bound(">=", from), Bound("<", to));
        return first is null ? end : end is null ? first : $"{first} AND {end}";

        string? Bound(string comparison, string? key) => key is null ? null : $"{_column} {comparison} {SqlName.Literal(key)}::{_type}";
    }

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
            return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        return _type switch
        {
            Number => long.Parse(x, CultureInfo.InvariantCulture).CompareTo(long.Parse(y, CultureInfo.InvariantCulture)),
            Uuid => string.CompareOrdinal(x, y),
            _ => Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y)),
        };
    }

    private static KeyForm Of(StreamPlan plan, Func<int, ColumnForm.Place> placeOf, Func<int, string?> typeOf)
    {
        int[] key = [.. plan.PrimaryKey.Select(plan.Schema.IndexOf)];
        if (key is not [var column])
            return new KeyForm(RowForm.Joined(key.Select(one => $@"coalesce({RowForm.Escaped(plan, new HashedColumn(one), placeOf(one))}, '\N')")), Text, null);
        var place = placeOf(column);
        var type = plan.Columns[column].Field.Type;
        var form = ColumnForm.IsInteger(type) ? Number : type.Kind == Engine.Schemas.TypeKind.Uuid ? Uuid : Text;
        var value = form == Text ? ColumnForm.Of(plan, column, place) : $"{place.Value}::{form}";
        return new KeyForm(value, form, typeOf(column) == form ? place.Value : null);
    }

    private string Element(string key) => _type != Text ? key
        : $"\"{key.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
