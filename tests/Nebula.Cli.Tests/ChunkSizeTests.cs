using Nebula.Connectors.Files;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Orchestration.Planning;

namespace Nebula.Cli.Tests;

/// <summary>How large the chunks of a stream are.</summary>
public sealed class ChunkSizeTests : IDisposable
{
    private const long Usual = 256 << 20;
    private readonly NebulaProcess _nebula = new();

    public void Dispose() => _nebula.Dispose();

    [Theory]
    [InlineData("type: json, path: out.jsonl", "", 1L << 30)]
    [InlineData("type: csv, path: out.csv.gz", "", 1L << 30)]
    [InlineData("type: json, path: out.jsonl", "chunking: { target_size: 64MB }", 64_000_000L)]
    [InlineData("type: parquet, path: out.parquet", "", Usual)]
    [InlineData("path: out/, type: parquet, file_size: 1GB", "", Usual)]
    [InlineData("path: out/, type: csv", "mode: incremental", Usual)]
    [InlineData("type: json, path: out.jsonl", "limit: 7", null)]
    public async Task Plan_ChunksOneBehindTheOtherInOneFile_AreLarger(string target, string defaults, long? expected)
    {
        _nebula.Write("in.csv", "a\n1\n");
        _nebula.Write("p.yaml", $$"""
            version: 1
            source: { type: csv, path: {{_nebula.PathOf("in.csv")}} }
            target: { {{target}} }
            defaults: { {{defaults}} }
            """);
        var pipeline = PipelineFile.Load(_nebula.PathOf("p.yaml"), new ConfigEnvironment());
        var plan = await new RunPlanner(pipeline, new ConnectorRegistry().AddFiles()).PlanAsync([], default);
        Assert.Equal(expected, Assert.Single(plan.Jobs).ChunkBytes);
    }
}
