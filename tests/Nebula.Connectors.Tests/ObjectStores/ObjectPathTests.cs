using Nebula.Connectors.Files.Output;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.Tests.ObjectStores;

public sealed class ObjectPathTests
{
    [Theory]
    [InlineData("in/a.csv", null)]
    [InlineData("/in/a.csv", null)]
    [InlineData(@"C:\in\a.csv", null)]
    [InlineData("c://in/a.csv", null)]
    [InlineData("az://container/a.csv", "az")]
    [InlineData("S3://bucket/a.csv", "s3")]
    [InlineData("a b://x", null)]
    [InlineData("-", null)]
    public void SchemeOf_AnyPath_TellsUrlsFromFiles(string path, string? scheme) => Assert.Equal(scheme, ObjectPath.SchemeOf(path));

    [Theory]
    [InlineData("az://c", "a.csv", "az://c/a.csv")]
    [InlineData("az://c/", "a.csv", "az://c/a.csv")]
    [InlineData("s3://b/in/", "k=1/a.csv", "s3://b/in/k=1/a.csv")]
    public void Combine_Url_HasOneSlash(string folder, string name, string path)
    {
        Assert.Equal(path, ObjectPath.Combine(folder, name));
        Assert.Equal("a.csv", ObjectPath.NameOf(path));
    }

    [Theory]
    [InlineData("a.csv", true)]
    [InlineData("k=1/a.csv", true)]
    [InlineData("a..b/c", true)]
    [InlineData("", false)]
    [InlineData("../a", false)]
    [InlineData("x/../../a", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("az://other/a", false)]
    public void StaysBelow_NameThatOthersMade_IsOnlyTrueInside(string name, bool expected) => Assert.Equal(expected, ObjectPath.StaysBelow(name));

    [Theory]
    [InlineData("file:///in/a%20b.csv", "/in/a b.csv")]
    [InlineData("FILE:///a", "/a")]
    [InlineData("file:///C:/in/a.csv", "C:/in/a.csv")]
    [InlineData("in/a%20b.csv", "in/a%20b.csv")]
    public void Resolve_FileUrl_IsItsPath(string url, string path)
    {
        using var store = new LocalStore();
        Assert.Equal(path, store.Resolve(url));
        Assert.Equal(ErrorKind.Configuration, Assert.Throws<NebulaException>(() => store.Resolve("file://server/a")).Kind);
    }

    [Theory]
    [InlineData(0, 7, "az://c/out/part-00007.csv")]
    [InlineData(3, 7, "az://c/out/part-00003-00007.csv")]
    public void NameOf_FilesNumberedWithinChunks_NeverMeet(int chunk, int part, string path)
    {
        var layout = new PartsLayout("az://c/out", "part-{part:05}.csv");
        Assert.Equal(path, layout.PathOf(layout.NameOf("", part, chunk)));
        Assert.True(Glob.Matches(layout.Pattern, path));
        Assert.True(Glob.Matches(layout.Pattern, layout.PathOf(layout.NameOf("k=1/", part, chunk))));
        Assert.False(Glob.Matches(layout.Pattern, "az://c/out/part-1.json"));
    }
}
