namespace Nebula.Connectors.Tests.Documentation;

public sealed class TypesPageTests
{
    [Fact]
    public void TypesPage_OfTheCode_IsInTheDocuments()
    {
        var path = Path.Combine(Root(), "docs", "reference", "types.md");
        var made = TypesPage.Render();
        if (Environment.GetEnvironmentVariable("NEBULA_WRITE_DOCS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, made);
        }
        Assert.True(File.Exists(path) && File.ReadAllText(path).ReplaceLineEndings("\n") == made,
            "docs/reference/types.md is not what the code says. "
            + "Write it anew: NEBULA_WRITE_DOCS=1 dotnet test tests/Nebula.Connectors.Tests --filter TypesPage");
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Nebula.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("the tests are not below the solution");
        return folder.FullName;
    }
}
