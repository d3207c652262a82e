using System.Collections.Immutable;
using Nebula.Connectors.PostgreSql.Types;

namespace Nebula.Connectors.PostgreSql.Relations;

/// <summary>A table, or something that reads like one.</summary>
/// <param name="Oid">Its number.</param>
/// <param name="Schema">Its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>pg_class.relkind</c>: r for a table, p for a partitioned one, v for a view, m for a materialised view, f for a foreign table.</param>
/// <param name="IsReadable">Whether the role may read at least some of its columns.</param>
internal sealed record Relation(uint Oid, string Schema, string Name, char Kind, bool IsReadable)
{
    private static readonly Dictionary<char, string> KindNames = new()
    {
        ['r'] = "table",
        ['p'] = "partitioned table",
        ['v'] = "view",
        ['m'] = "materialized view",
        ['f'] = "foreign table",
    };

    /// <summary>Estimated number of rows; null when the server has never counted.</summary>
    public long? Rows { get; init; }

    /// <summary>The name of its stream.</summary>
    public string Stream => $"{Schema}.{Name}";

    /// <summary>What it is, for people.</summary>
    public string KindName => KindNames[Kind];

    /// <summary>Finds the kind that is called so.</summary>
    /// <param name="name">What <see cref="KindName"/> said.</param>
    public static char KindOf(string name) => KindNames.First(kind => kind.Value == name).Key;
}

/// <summary>The columns of a relation.</summary>
/// <param name="Columns">The columns in order.</param>
/// <param name="PrimaryKey">Names of the columns of its primary key, in the order of the key.</param>
internal sealed record RelationColumns(ImmutableArray<RelationColumn> Columns, ImmutableArray<string> PrimaryKey);

/// <summary>A column of a relation.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type, domains resolved.</param>
/// <param name="Nullable">Whether it may be null.</param>
internal sealed record RelationColumn(string Name, CatalogType Type, bool Nullable)
{
    /// <summary>Its type as SQL declares it, domains not resolved.</summary>
    public required string Declared { get; init; }
}
