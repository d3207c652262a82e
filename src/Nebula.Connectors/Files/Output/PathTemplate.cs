using System.Globalization;
using System.Text;

namespace Nebula.Connectors.Files.Output;

/// <summary>
/// The variables of a target's path: <c>{YYYY} {MM} {DD} {HH}</c> and <c>{run_timestamp}</c> of the run's start, <c>{run_id}</c>, and the number of a part,
/// <c>{part}</c> or <c>{part:05}</c>. Other braces stand for themselves.
/// </summary>
internal static class PathTemplate
{
    private const int MostDigits = 18;

    /// <summary>Puts the variables of the run in. Those of the part stay.</summary>
    /// <param name="path">The path.</param>
    /// <param name="runId">Identity of the run.</param>
    /// <param name="startedAt">Its start, UTC.</param>
    public static string OfRun(string path, string runId, DateTime startedAt) => Replace(path, variable => variable switch
    {
        "YYYY" => startedAt.ToString("yyyy", CultureInfo.InvariantCulture),
        "MM" => startedAt.ToString("MM", CultureInfo.InvariantCulture),
        "DD" => startedAt.ToString("dd", CultureInfo.InvariantCulture),
        "HH" => startedAt.ToString("HH", CultureInfo.InvariantCulture),
        "run_timestamp" => startedAt.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture),
        "run_id" => runId,
        _ => null,
    });

    /// <summary>Puts the number of a part in.</summary>
    /// <param name="path">The path.</param>
    /// <param name="part">The number, from 0; null for nothing at all.</param>
    /// <param name="chunk">The chunk in which it was counted. That of chunks behind the first stands before it: <c>00002-00000</c>.</param>
    /// <param name="prefix">What stands before the number.</param>
    public static string OfPart(string path, int? part, int chunk = 0, string prefix = "") => Replace(path, variable =>
    {
        if (DigitsOf(variable) is not { } digits)
            return null;
        return part is null ? "" : prefix + (chunk == 0 ? "" : Number(chunk, digits) + "-") + Number(part.Value, digits);

        static string Number(int value, int digits) => value.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
    });

    /// <summary>Puts a wildcard in the place of the number of a part.</summary>
    /// <param name="path">The path.</param>
    public static string OfAnyPart(string path) => Replace(path, static variable => DigitsOf(variable) is null ? null : "*");

    /// <summary>Where the first variable of a part starts; -1 when there is none.</summary>
    public static int IndexOfPart(string path)
    {
        for (var open = path.IndexOf('{', StringComparison.Ordinal); open >= 0; open = path.IndexOf('{', open + 1))
            if (path.IndexOf('}', open) is >= 0 and var close && DigitsOf(path[(open + 1)..close]) is not null)
                return open;
        return -1;
    }

    private static int? DigitsOf(string variable) => variable == "part" ? 1
        : variable.StartsWith("part:0", StringComparison.Ordinal)
            && int.TryParse(variable.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var digits) && digits is > 0 and <= MostDigits
            ? digits : null;

    private static string Replace(string path, Func<string, string?> valueOf)
    {
        var text = new StringBuilder();
        var at = 0;
        while (path.IndexOf('{', at) is >= 0 and var open)
        {
            var close = path.IndexOf('}', open);
            var value = close < 0 ? null : valueOf(path[(open + 1)..close]);
            text.Append(path, at, open - at).Append(value ?? "{");
            at = value is null ? open + 1 : close + 1;
        }
        return text.Append(path, at, path.Length - at).ToString();
    }
}
