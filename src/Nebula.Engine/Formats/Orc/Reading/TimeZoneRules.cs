using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>
/// The offsets from UTC that a zone had and will have, from the system's time zone database (RFC 8536). The runtime's own time zones know whole minutes only,
/// but zones had seconds once.
/// </summary>
internal sealed class TimeZoneRules
{
    private const int HeaderLength = 44;
    private static readonly string[] Folders = [Environment.GetEnvironmentVariable("TZDIR") ?? "", "/usr/share/zoneinfo", "/usr/lib/zoneinfo",
        "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];
    private static readonly ConcurrentDictionary<string, TimeZoneRules> Known = new(StringComparer.Ordinal);
    private readonly long[] _transitions;
    private readonly int[] _offsets;
    private readonly PosixTimeZone? _future;

    private TimeZoneRules(long[] transitions, int[] offsets, PosixTimeZone? future)
    {
        _transitions = transitions;
        _offsets = offsets;
        _future = future;
    }

    /// <summary>Coordinated universal time.</summary>
    public static TimeZoneRules Utc { get; } = new([], [0], null);

    /// <summary>Whether the offset is always 0.</summary>
    public bool IsUtc => this == Utc;

    /// <summary>Finds a zone.</summary>
    /// <param name="name">Its name in the IANA database.</param>
    /// <exception cref="OrcFault">There is no such zone, or no database.</exception>
    public static TimeZoneRules Find(string name) =>
        name is "UTC" or "GMT" or "Etc/UTC" or "Etc/GMT" or "Z" or "UCT" or "GMT+00:00" or "Zulu" or "Universal" or "Etc/UCT"
        ? Utc : Known.GetOrAdd(name, Load);

    /// <summary>The offset at a point in time.</summary>
    /// <param name="utc">Seconds since 1970 in UTC.</param>
    /// <param name="from">First second with this offset.</param>
    /// <param name="to">First second behind it that may have another.</param>
    /// <returns>Seconds to be added to UTC.</returns>
    public int OffsetAt(long utc, out long from, out long to)
    {
        var next = Array.BinarySearch(_transitions, utc) is var found && found >= 0 ? found + 1 : ~found;
        from = next == 0 ? long.MinValue : _transitions[next - 1];
        if (next < _transitions.Length)
        {
            to = _transitions[next];
            return _offsets[next];
        }
        to = long.MaxValue;
        return _future?.OffsetAt(utc, ref from, out to) ?? _offsets[next];
    }

    private static TimeZoneRules Load(string name)
    {
        // names go into a path: nothing but names of zones may
        if (name.Length is 0 or > 100 || name.StartsWith('/') || name.Contains("..", StringComparison.Ordinal)
            || name.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not ('/' or '_' or '-' or '+')))
            throw Unknown(name);
        foreach (var folder in Folders)
        {
            var path = Path.Combine(folder, name);
            if (folder.Length > 0 && File.Exists(path))
                return Parse(File.ReadAllBytes(path)) ?? throw Unknown(name);
        }
        throw Unknown(name);
    }

    private static OrcFault Unknown(string name) =>
        new($"timestamps were written in time zone '{name}', which the time zone database of this machine does not have",
        "Install the package 'tzdata' (and 'tzdata-legacy' for old names), or set TZDIR to a folder with the zones.");

    private static TimeZoneRules? Parse(ReadOnlySpan<byte> file)
    {
        // the first part repeats the second with 32 bits per time, and is left out
        if (!TryReadCounts(file, out var counts))
            return null;
        var second = HeaderLength + counts.Sum(timeBytes: 4);
        if (file[4] == 0 || second > file.Length || !TryReadCounts(file = file[second..], out counts) || counts.Types == 0)
            return null;
        var end = HeaderLength + counts.Sum(timeBytes: 8);
        if (end > file.Length)
            return null;
        var times = file[HeaderLength..];
        var types = times[(8 * counts.Times)..];
        var infos = types[counts.Times..];
        var transitions = new long[counts.Times];
        var offsets = new int[counts.Times + 1];
        for (var i = 0; i < counts.Times; i++)
        {
            transitions[i] = BinaryPrimitives.ReadInt64BigEndian(times[(8 * i)..]);
            if (types[i] >= counts.Types || i > 0 && transitions[i] <= transitions[i - 1])
                return null;
            offsets[i + 1] = BinaryPrimitives.ReadInt32BigEndian(infos[(6 * types[i])..]);
        }
        offsets[0] = BinaryPrimitives.ReadInt32BigEndian(infos[(6 * OldestStandard(types[..counts.Times], infos))..]);
        return new TimeZoneRules(transitions, offsets, PosixTimeZone.Parse(Encoding.ASCII.GetString(file[end..]).Trim('\n')));
    }

    /// <summary>What holds before the first change: as the reference reader has it the oldest standard time, not the local mean time that stands
    /// first.</summary>
    private static int OldestStandard(ReadOnlySpan<byte> types, ReadOnlySpan<byte> infos)
    {
        foreach (var type in types)
            if (infos[6 * type + 4] == 0)
                return type;
        return 0;
    }

    private static bool TryReadCounts(ReadOnlySpan<byte> file, out Counts counts)
    {
        counts = default;
        if (file.Length < HeaderLength || !file.StartsWith("TZif"u8))
            return false;
        Span<int> read = stackalloc int[6];
        for (var i = 0; i < read.Length; i++)
            if ((read[i] = BinaryPrimitives.ReadInt32BigEndian(file[(20 + 4 * i)..])) is < 0 or > 100_000)
                return false;
        counts = new Counts(read[0], read[1], read[2], read[3], read[4], read[5]);
        return true;
    }

    private readonly record struct Counts(int UtcFlags, int StandardFlags, int Leaps, int Times, int Types, int NameBytes)
    {
        public int Sum(int timeBytes) => Times * (timeBytes + 1) + Types * 6 + NameBytes + Leaps * (timeBytes + 4) + StandardFlags + UtcFlags;
    }
}
