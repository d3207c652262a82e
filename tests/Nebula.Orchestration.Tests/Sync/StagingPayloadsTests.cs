using Nebula.Engine.Connectors;
using Nebula.Orchestration.Sync;

namespace Nebula.Orchestration.Tests.Sync;

/// <summary>What is recorded of staged parts outlives processes and versions.</summary>
public sealed class StagingPayloadsTests
{
    [Fact]
    public void Part_WithHash_ComesBack()
    {
        var part = new StagedPart(7, "where", 3, 99) { Hash = new ContentHash(1, [2, ulong.MaxValue]) };
        var json = StagingPayloads.Part.ToJson(part);
        Assert.Equal("""{"chunk":7,"location":"where","rows":3,"bytes":99,"hash":"00000000000000010000000000000002ffffffffffffffff"}""", json);
        Assert.Equal(part, StagingPayloads.Part.FromJson(json, "test"));
    }

    [Theory]
    [InlineData("""{"chunk":7,"location":"where","rows":3,"bytes":99}""")]
    [InlineData("""{"chunk":7,"location":"where","rows":3,"bytes":99,"hash":"no hash"}""")]
    public void Part_WithoutHash_HasNone(string json) => Assert.Equal(new StagedPart(7, "where", 3, 99), StagingPayloads.Part.FromJson(json, "test"));
}
