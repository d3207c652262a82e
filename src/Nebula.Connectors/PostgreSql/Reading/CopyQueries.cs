using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>The statements that read one chunk: one, or many for as many connections as there are. Each is handed out once.</summary>
/// <param name="plan">The stream.</param>
/// <param name="rows">The rows of the chunk.</param>
internal sealed class CopyQueries(StreamPlan plan, TableChunk rows)
{
    // some ten milliseconds of work: connections end at about the same time, and asking costs little beside it
    private const long PartBytes = 8 << 20;
    private const int FewestParts = 2;
    private List<TableChunk> _parts = [rows];
    private int _next;

    /// <summary>Where the read before ended, for statements that ask for it; null for nowhere.</summary>
    public string? After => rows.After;

    /// <summary>Whether one connection reads where several could, as others are at work on the server.</summary>
    public bool GaveWay { get; set; }

    /// <summary>Makes many statements of the one, where there are many rows. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="givesWay">Whether it is left as it is where others are at work on the server.</param>
    /// <returns>Whether there are many.</returns>
    public bool Divide(WireConnection connection, bool givesWay)
    {
        if (!rows.IsStored || rows.FirstBlock is not null || rows.After is not null)
            return false;
        var parts = TableSplitter.Split(connection, plan, rows, PartBytes);
        if (parts.Count < FewestParts || parts.Sum(static part => part.Bytes ?? 0) < FewestParts * PartBytes)
            return false;
        GaveWay = givesWay && ServerLoad.IsShared(connection);
        if (GaveWay)
            return false;
        _parts = parts;
        return true;
    }

    /// <summary>Hands out the next.</summary>
    /// <returns>Null when there is none.</returns>
    public string? Next()
    {
        var next = Interlocked.Increment(ref _next) - 1;
        return next < _parts.Count ? CopyQuery.Of(plan, _parts[next]) : null;
    }
}
