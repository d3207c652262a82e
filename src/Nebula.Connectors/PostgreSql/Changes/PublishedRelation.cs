using System.Collections.Immutable;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>A table as the log describes it in front of its changes: as it was when they were made.</summary>
/// <param name="Oid">Its number.</param>
/// <param name="Schema">Its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="Columns">Its columns in the order of the values.</param>
internal sealed record PublishedRelation(uint Oid, string Schema, string Name, ImmutableArray<PublishedColumn> Columns)
{
    private const string SystemSchema = "pg_catalog";

    /// <summary>Reads the message.</summary>
    /// <param name="reader">The message, its first byte read.</param>
    public static PublishedRelation Read(ref PgOutputReader reader)
    {
        var oid = reader.ReadUInt32();
        var schema = reader.ReadText();
        var name = reader.ReadText();
        _ = reader.ReadByte();
        var columns = new PublishedColumn[reader.ReadUInt16()];
        for (var i = 0; i < columns.Length; i++)
        {
            var isKey = (reader.ReadByte() & 1) != 0;
            columns[i] = new PublishedColumn(reader.ReadText(), reader.ReadUInt32(), (int)reader.ReadUInt32(), isKey);
        }
        return new PublishedRelation(oid, schema.Length == 0 ? SystemSchema : schema, name, [.. columns]);
    }

    /// <summary>Position of a column; -1 when there is none.</summary>
    /// <param name="column">Its name.</param>
    public int IndexOf(string column)
    {
        for (var i = 0; i < Columns.Length; i++)
            if (Columns[i].Name == column)
                return i;
        return -1;
    }
}

/// <summary>A column of a published table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Number of its type.</param>
/// <param name="Modifier">Modifier of its type; -1 for none.</param>
/// <param name="IsKey">Whether it identifies rows.</param>
internal readonly record struct PublishedColumn(string Name, uint Type, int Modifier, bool IsKey);
