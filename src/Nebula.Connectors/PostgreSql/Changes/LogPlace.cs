using System.Globalization;
using NpgsqlTypes;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>A place in the log: behind all transactions whose commit is in front of a byte of it, and behind some changes of the one whose commit is
/// there.</summary>
/// <param name="Lsn">Bytes since the log began.</param>
/// <param name="Done">Changes of the transaction committed there that are passed.</param>
internal readonly record struct LogPlace(ulong Lsn, uint Done = 0) : IComparable<LogPlace>
{
    /// <summary>Characters of <see cref="Render"/>.</summary>
    public const int TextLength = 25;

    private const int LsnDigits = 16;

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    /// <param name="text">The text.</param>
    /// <param name="place">The place.</param>
    public static bool TryParse(ReadOnlySpan<char> text, out LogPlace place)
    {
        place = default;
        if (text.Length != TextLength || text[LsnDigits] != '-'
            || !ulong.TryParse(text[..LsnDigits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var lsn)
            || !uint.TryParse(text[(LsnDigits + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var done))
            return false;
        place = new LogPlace(lsn, done);
        return true;
    }

    /// <summary>The place as text that sorts as places do.</summary>
    public string Render() => string.Create(CultureInfo.InvariantCulture, $"{Lsn:X16}-{Done:X8}");

    /// <summary>A byte of the log as the server writes it.</summary>
    /// <param name="lsn">Bytes since the log began.</param>
    public static string Sql(ulong lsn) => string.Create(CultureInfo.InvariantCulture, $"{lsn >> 32:X}/{(uint)lsn:X}");

    /// <summary>Reads what <see cref="Sql"/>, or the server, wrote.</summary>
    /// <param name="lsn">The text.</param>
    public static ulong ParseSql(string lsn) => (ulong)NpgsqlLogSequenceNumber.Parse(lsn);

    /// <inheritdoc/>
    public int CompareTo(LogPlace other) => Lsn != other.Lsn ? Lsn.CompareTo(other.Lsn) : Done.CompareTo(other.Done);

    public static bool operator <(LogPlace left, LogPlace right) => left.CompareTo(right) < 0;

    public static bool operator >(LogPlace left, LogPlace right) => left.CompareTo(right) > 0;

    public static bool operator <=(LogPlace left, LogPlace right) => left.CompareTo(right) <= 0;

    public static bool operator >=(LogPlace left, LogPlace right) => left.CompareTo(right) >= 0;
}
