namespace Nebula.Engine.Diagnostics;

/// <summary>Finds what a user probably meant.</summary>
public static class Suggestion
{
    // A slip happens in a name. What is longer is something else, and comparing it would cost its length squared.
    private const int MaxLength = 128;

    /// <summary>Renders <c> Did you mean 'x'?</c> for the nearest candidate, or nothing when none is near.</summary>
    /// <param name="written">What the user wrote.</param>
    /// <param name="candidates">What would be right.</param>
    public static string For(string written, IEnumerable<string> candidates)
    {
        var best = Nearest(written, candidates);
        return best is null ? "" : $" Did you mean '{best}'?";
    }

    /// <summary>Renders what is near a file that is not there: <c> Did you mean 'x'?</c>, or that its folder does not exist either; nothing when neither helps.</summary>
    /// <param name="path">The file.</param>
    public static string ForFile(string path)
    {
        const int MostFiles = 1000;
        try
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";
            return Directory.Exists(folder)
                ? For(Path.GetFileName(path), Directory.EnumerateFiles(folder).Take(MostFiles).Select(static file => Path.GetFileName(file)))
                : $" The folder '{folder}' does not exist.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>Finds the candidate with the fewest edits, if it has few enough to be a slip; null otherwise.</summary>
    /// <param name="written">What the user wrote.</param>
    /// <param name="candidates">What would be right.</param>
    public static string? Nearest(string written, IEnumerable<string> candidates)
    {
        string? best = null;
        var least = Math.Max(1, written.Length / 3) + 1;
        foreach (var candidate in candidates)
        {
            if (Math.Max(written.Length, candidate.Length) > MaxLength || Math.Abs(written.Length - candidate.Length) >= least)
                continue;
            var distance = Distance(written.ToLowerInvariant().Replace('-', '_'), candidate.ToLowerInvariant().Replace('-', '_'));
            if (distance < least)
                (best, least) = (candidate, distance);
        }
        return best;
    }

    /// <summary>Edits (insert, delete, replace, swap of neighbours) from one text to the other.</summary>
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), replace);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        return rows[a.Length, b.Length];
    }
}
