namespace Nebula.Engine.Tests;

/// <summary>
/// The conformance files, which lie beside the repository: in <c>shared/fixtures</c> of a folder above it. Tests that need them are skipped where they are
/// absent.
/// </summary>
internal static class Fixtures
{
    public static string? Root { get; } = Find();

    public static string PathOf(string relative) => Path.Combine(Root!, relative);

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "shared", "fixtures");
            if (File.Exists(Path.Combine(candidate, "MANIFEST.tsv")))
                return candidate;
        }
        return null;
    }
}

/// <summary>A fact about the conformance files.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FixtureFactAttribute : FactAttribute
{
    public FixtureFactAttribute()
    {
        if (Fixtures.Root is null)
            Skip = "The conformance files (shared/fixtures) are not there.";
    }
}
