using Nebula.Connectors.Files;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Samples.Connector;

if (args is not [var rows, var path])
{
    Console.Error.WriteLine("Usage: dotnet run --project samples/connector -- ROWS FILE");
    return 2;
}

try
{
    var connectors = new ConnectorRegistry().AddFiles().AddSequence();
    await using var source = connectors.Find("sequence")!.Source(Options("source", connectors.Find("sequence")!.SourceOptions!, "rows", rows));
    await using var destination = connectors.Find("file")!.Destination(Options("target", connectors.Find("file")!.DestinationOptions!, "path", path));
    using var pool = new BufferPool();
    var run = new StreamRun(source, destination, new PipelineOptions(), pool, runId: Guid.NewGuid().ToString("n"));
    await run.RunAsync(new StreamRequest(), CancellationToken.None);
    Console.WriteLine($"{run.Metrics.RowsWritten} rows written to {path}");
    return 0;
}
catch (NebulaException e)
{
    Console.Error.WriteLine($"error: {e.Message}");
    return 1;
}

static OptionValues Options(string role, IReadOnlyList<OptionDescriptor> descriptors, string name, string value) =>
    new(role, descriptors, [new(name, new OptionValue([value], new SourceLocation("command line")))]);
