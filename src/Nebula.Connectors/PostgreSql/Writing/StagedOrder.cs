namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>The order in which staged rows came from the source: by chunk, and within a chunk as they were sent.</summary>
/// <param name="staging">The staging table.</param>
/// <param name="parts">The table that has the chunk of each transaction, as SQL writes it.</param>
/// <param name="isNumbered">Whether rows have a number; else they are taken as they lie.</param>
/// <param name="hasChunks">Whether there is more than one chunk.</param>
internal sealed class StagedOrder(TableName staging, string parts, bool isNumbered, bool hasChunks)
{
    /// <summary>The order by <see cref="Columns"/>, the last row first.</summary>
    public const string LastFirst = "_nebula_chunk DESC, _nebula_place DESC";

    /// <summary>The columns that tell the order.</summary>
    /// <param name="alias">Names the rows.</param>
    public string Columns(string alias) =>
        $"{(hasChunks ? "_nebula_p.chunk" : "0")} AS _nebula_chunk, {alias}.{(isNumbered ? StagingTable.Number : "ctid")} AS _nebula_place";

    /// <summary>What is joined to the rows for it.</summary>
    /// <param name="alias">Names the rows.</param>
    public string Join(string alias) => !hasChunks ? ""
        : $" LEFT JOIN {parts} _nebula_p ON _nebula_p.staging = {StateTable.Literal(staging.Name)} AND _nebula_p.transaction = {alias}.xmin::text::bigint";
}
