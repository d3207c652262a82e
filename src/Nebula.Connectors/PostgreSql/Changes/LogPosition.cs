using System.Globalization;
using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>How far the log of a server is read, as checkpoints keep it.</summary>
/// <param name="Server">The server whose log it is.</param>
/// <param name="Start">Where to go on.</param>
internal sealed record LogPosition(LogServer Server, StreamStart Start)
{
    /// <summary>Streams that are further than the others, by name.</summary>
    public IReadOnlyDictionary<string, StreamStart> Further { get; init; } = new Dictionary<string, StreamStart>();

    /// <summary>The last transaction that was passed; null where none was since the snapshot.</summary>
    public PassedTransaction? Passed { get; init; }

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    /// <param name="text">The position of a checkpoint.</param>
    /// <exception cref="NebulaException">It is none of this source.</exception>
    public static LogPosition Parse(string text)
    {
        var parts = text.Split(';');
        var main = parts[0].Split('/', 4);
        if (main.Length < 3)
            throw Unknown(text);
        var timelineText = main[2].Split('@', 2);
        var passed = timelineText.Length > 1 ? PassedTransaction.Parse(timelineText[1]) ?? throw Unknown(text) : (PassedTransaction?)null;
        if (!ulong.TryParse(main[1], NumberStyles.None, CultureInfo.InvariantCulture, out var system)
            || !uint.TryParse(timelineText[0], NumberStyles.None, CultureInfo.InvariantCulture, out var timeline)
            || StreamStart.Parse(main.Length > 3 ? $"{main[0]}/{main[3]}" : main[0]) is not { } start)
            throw Unknown(text);
        var further = new Dictionary<string, StreamStart>();
        foreach (var part in parts.AsSpan(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || StreamStart.Parse(part[(equals + 1)..]) is not { } other)
                throw Unknown(text);
            further[Uri.UnescapeDataString(part[..equals])] = other;
        }
        return new LogPosition(new LogServer(system, timeline), start) { Further = further, Passed = passed };
    }

    /// <summary>The position as text. It begins with the place, so that it sorts like the positions of changes.</summary>
    public string Render()
    {
        var text = new StringBuilder().Append(Start.Place.Render()).Append(CultureInfo.InvariantCulture, $"/{Server.System}/{Server.Timeline}");
        if (Passed is { } passed)
            text.Append('@').Append(passed.Render());
        if (Start.Seen is { } seen)
            text.Append('/').Append(StreamStart.Render(seen));
        foreach (var (name, start) in Further)
            text.Append(';').Append(Uri.EscapeDataString(name)).Append('=').Append(start.Render());
        return text.ToString();
    }

    /// <summary>Where a stream goes on.</summary>
    /// <param name="stream">Its name.</param>
    public StreamStart Of(string stream) => Further.TryGetValue(stream, out var start) ? start : Start;

    private static NebulaException Unknown(string text) => NebulaException.Configuration(
        $"'{text}' is no position of a PostgreSQL log. It was committed by another source, or by a stream whose changes were not captured: read the stream "
            + "anew.");
}

/// <summary>Identity of a log.</summary>
/// <param name="System">The number that a cluster gets when it is made.</param>
/// <param name="Timeline">Counts how often a standby took over, or a backup was restored.</param>
internal readonly record struct LogServer(ulong System, uint Timeline);

/// <summary>Where the changes of a stream start.</summary>
/// <param name="Place">The place in the log.</param>
/// <param name="Seen">What of the log behind it the snapshot has; null for nothing.</param>
internal sealed record StreamStart(LogPlace Place, SeenTransactions? Seen = null)
{
    /// <summary>Reads what <see cref="Render()"/> wrote; null when it is nothing of the kind.</summary>
    /// <param name="text">The text.</param>
    public static StreamStart? Parse(string text)
    {
        var parts = text.Split('/');
        if (parts.Length is not (1 or 3) || !LogPlace.TryParse(parts[0], out var place))
            return null;
        if (parts.Length == 1)
            return new StreamStart(place);
        return ulong.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var end)
            && SeenTransactions.Parse(end, parts[2]) is { } seen
            ? new StreamStart(place, seen) : null;
    }

    /// <summary>The start as text.</summary>
    public string Render() => Seen is null ? Place.Render() : $"{Place.Render()}/{Render(Seen)}";

    /// <summary>What the snapshot has, as text.</summary>
    /// <param name="seen">What it has.</param>
    public static string Render(SeenTransactions seen) => string.Create(CultureInfo.InvariantCulture, $"{seen.End:X16}/{seen.Render()}");
}
