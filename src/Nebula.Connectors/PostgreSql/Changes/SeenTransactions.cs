using System.Globalization;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// The transactions whose changes a snapshot has. Those committed behind the place where the log is read from, but seen by the snapshot, are not read again.
/// </summary>
/// <param name="End">End of the log after the snapshot was taken: what is committed behind it the snapshot does not have.</param>
/// <param name="First">The first transaction that was running; those before it are in the snapshot.</param>
/// <param name="Next">The first that had not begun.</param>
/// <param name="Running">Those between that were running.</param>
internal sealed record SeenTransactions(ulong End, ulong First, ulong Next, IReadOnlyList<ulong> Running)
{
    /// <summary>Reads a snapshot as <c>pg_current_snapshot()</c> prints it: <c>xmin:xmax:xip,xip</c>.</summary>
    /// <param name="end">End of the log after it was taken.</param>
    /// <param name="text">The snapshot.</param>
    public static SeenTransactions? Parse(ulong end, string text)
    {
        if (text.Split(':') is not [var first, var next, var running] || !TryRead(first, out var xmin) || !TryRead(next, out var xmax))
            return null;
        var list = new List<ulong>();
        foreach (var item in running.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryRead(item, out var xid))
                return null;
            list.Add(xid);
        }
        return new SeenTransactions(end, xmin, xmax, list);
    }

    /// <summary>The snapshot as <see cref="Parse"/> reads it.</summary>
    public string Render() => string.Create(CultureInfo.InvariantCulture, $"{First}:{Next}:{string.Join(',', Running)}");

    /// <summary>Whether the snapshot has the changes of a transaction.</summary>
    /// <param name="xid">Its number, of which the log keeps the lower half.</param>
    public bool Has(uint xid)
    {
        // numbers in use are never further apart than half of those there are
        var full = First + (ulong)(long)(int)(xid - (uint)First);
        return full < First || full < Next && !Running.Contains(full);
    }

    private static bool TryRead(string text, out ulong number) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
