namespace Nebula.Conformance.Tests;

/// <summary>The conformance files, which lie in a folder <c>shared/fixtures</c> beside the repository or above it.</summary>
internal static class SharedFixtures
{
    /// <summary>The folder; null when there is none.</summary>
    public static string? Root { get; } = Find();

    /// <summary>Tells whether a suite is there, and says so in the output when it is not.</summary>
    public static bool TryFind(string suite, Xunit.Abstractions.ITestOutputHelper output, out string folder)
    {
        folder = Root is null ? "" : Path.Combine(Root, suite);
        if (Directory.Exists(folder))
            return true;
        output.WriteLine("skipped: no shared fixtures");
        return false;
    }

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "shared", "fixtures");
            if (Directory.Exists(candidate))
                return candidate;
        }
        return null;
    }
}
