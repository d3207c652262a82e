using System.Globalization;
using Nebula.Connectors.Files;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;

namespace Nebula.Benchmarks;

/// <summary>
/// Moves a whole file and counts what the managed heap had to give: data lives in pooled native memory, so it should be next to nothing for each record.
/// </summary>
internal static class AllocationBenchmark
{
    public static int Run(string path)
    {
        var connectors = new ConnectorRegistry().AddFiles();
        var target = Path.Combine(Path.GetTempPath(), $"nebula-allocation-{Environment.ProcessId}");
        try
        {
            foreach (var format in (string[])["json", "csv"])
            {
                // the first run also pays for what is made once in a process
                Move(connectors, path, format, target);
                var (bytes, records) = Move(connectors, path, format, target);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"csv -> {format,-4}  {records} records, {bytes / 1e6:0.00} MB allocated: {(double)bytes / records:0.000} bytes per record"));
            }
        }
        finally
        {
            File.Delete(target);
        }
        return 0;
    }

    private static (long Bytes, long Records) Move(ConnectorRegistry connectors, string path, string format, string target)
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        using var pool = new BufferPool();
        var from = connectors.Find("csv")!;
        var to = connectors.Find(format)!;
        var run = new StreamRun(from.Source(PathOf("source", from.SourceOptions!, path)), to.Destination(PathOf("target", to.DestinationOptions!, target)),
            new PipelineOptions(), pool, "bench");
        run.RunAsync(new StreamRequest(), CancellationToken.None).GetAwaiter().GetResult();
        return (GC.GetTotalAllocatedBytes(precise: true) - before, run.Metrics.RowsWritten);
    }

    private static OptionValues PathOf(string owner, IReadOnlyList<OptionDescriptor> known, string path) =>
        new(owner, known, [KeyValuePair.Create("path", new OptionValue([path], new SourceLocation("bench")))]);
}
