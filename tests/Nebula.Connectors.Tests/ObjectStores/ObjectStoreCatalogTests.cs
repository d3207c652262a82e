using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.AzureBlob;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Connectors.ObjectStores.S3;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.Tests.ObjectStores;

public sealed class ObjectStoreCatalogTests
{
    [Theory]
    [InlineData("az://c/in/a.csv", null, null, "az://c/in/a.csv")]
    [InlineData("azure://c", null, null, "az://c")]
    [InlineData("az://c/%41 b#?.csv", null, null, "az://c/%41 b#?.csv")]
    [InlineData("https://acct.blob.core.windows.net/c/in/a%20b.csv", "acct", "https://acct.blob.core.windows.net", "az://c/in/a b.csv")]
    [InlineData("https://acct.blob.core.chinacloudapi.cn/c", "acct", "https://acct.blob.core.chinacloudapi.cn", "az://c")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/in/*.csv", "acct", "https://acct.blob.core.windows.net", "az://c/in/*.csv")]
    [InlineData("wasbs://c@acct.blob.core.windows.net/a", "acct", "https://acct.blob.core.windows.net", "az://c/a")]
    public void AzurePath_AnyForm_NamesTheBlob(string path, string? account, string? endpoint, string canonical)
    {
        var parsed = AzureBlobPath.Parse(path);
        Assert.Equal((account, endpoint, canonical), (parsed.Account, parsed.Endpoint, parsed.Canonical));
        Assert.Equal(canonical, AzureBlobPath.Parse(canonical).Canonical);
    }

    [Theory]
    [InlineData("az://")]
    [InlineData("az:///a.csv")]
    [InlineData("https://example.com/c/a.csv")]
    [InlineData("https://acct.blob.core.windows.net/")]
    [InlineData("abfss://c/a.csv")]
    [InlineData("s3:///a.csv")]
    [InlineData("s3://b*/a.csv")]
    [InlineData("gs://b/a.csv")]
    [InlineData("file://server/a.csv")]
    public void Open_NoPathOfAStore_IsRefused(string path) => Assert.Equal(ErrorKind.Configuration, Assert.Throws<NebulaException>(() =>
    {
        using var store = Open(path, ("account", "acct"), ("account_key", Convert.ToBase64String(new byte[64])));
        store.Resolve(path);
    }).Kind);

    [Fact]
    public void Open_StoreThatIsToCome_SaysSo() => Assert.Equal(
        "Google Cloud Storage ('gs://') is not supported yet.", Assert.Throws<NebulaException>(() => Open("gs://b/a.csv")).Reason);

    [Fact]
    public void Open_PathWithSignature_IsRefusedWithoutShowingIt()
    {
        var error = Assert.Throws<NebulaException>(() => Open("https://acct.blob.core.windows.net/c/a.csv?sv=2024&sig=SECRET"));
        Assert.Contains("sas_token", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("in.csv", "region", "x", "s3://")]
    [InlineData("s3://b/in.csv", "account_key", "x", "az://")]
    [InlineData("in.csv", "endpoint", "http://x", "az:// or s3://")]
    public void Open_OptionOfAnotherStore_SaysWhatItIsFor(string path, string option, string value, string hint)
    {
        var error = Assert.Throws<NebulaException>(() => Open(path, (option, value)));
        Assert.Contains(option, error.Message, StringComparison.Ordinal);
        Assert.Contains(hint, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("az://c/a", "account_key", "no base64 !", "not Base64")]
    [InlineData("az://c/a", "connection_string", "nonsense", "not complete")]
    [InlineData("az://c/a", "endpoint", "http://127.0.0.1:1/acct", "not encrypted")]
    [InlineData("s3://b/a", "access_key_id", "x", "go together")]
    [InlineData("s3://b/a", "endpoint", "nowhere", "address")]
    public void Open_OptionThatCannotWork_IsRefusedWithoutShowingSecrets(string path, string option, string value, string hint)
    {
        var others = path.StartsWith("az", StringComparison.Ordinal) ? (option == "connection_string" ? []
            : new[] { ("account", "acct"), ("auth", option == "endpoint" ? "default" : "auto") }) : [("region", "eu-central-1")];
        var error = Assert.Throws<NebulaException>(() => Open(path, [.. others, (option, value)]));
        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains(hint, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("no base64 !", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("nonsense", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_Secrets_AreMarked() =>
        Assert.Equal(["account_key", "connection_string", "sas_token", "secret_access_key", "session_token"],
            ObjectStoreCatalog.Options.Where(static option => option.IsSecret).Select(static option => option.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void Staged_Locations_AreReadBack()
    {
        var blocks = new StagedBlocks("a/ü\u001f.csv", Guid.NewGuid().ToString("n"), 3);
        Assert.Equal(blocks, StagedBlocks.Parse(blocks.Render()));
        Assert.Single(blocks.Identities().Select(static id => id.Length).Distinct());
        Assert.Equal(3, blocks.Identities().Distinct().Count());
        var parts = new StagedParts("a/b.csv", "upload/1", "x", 10_000, 5L << 40);
        Assert.Equal(parts, StagedParts.Parse(parts.Render()));
        Assert.Throws<FormatException>(() => StagedParts.Parse(blocks.Render()));
        Assert.Throws<FormatException>(() => StagedLocation.Parse(parts.Render()));
    }

    private static IObjectStore Open(string path, params (string Name, string Value)[] options) => ObjectStoreCatalog.Open(new OptionValues(
        "source \"file\"", [new OptionDescriptor("path", OptionKind.Text, "path"), .. ObjectStoreCatalog.Options],
        options.Append(("path", path)).Select(static o => KeyValuePair.Create(o.Item1, new OptionValue([o.Item2], new SourceLocation("test"))))));
}
