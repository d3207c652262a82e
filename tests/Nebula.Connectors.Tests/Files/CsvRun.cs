using System.Text;
using Nebula.Connectors.Files;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Pipeline;

namespace Nebula.Connectors.Tests.Files;

/// <summary>A run from CSV in memory to rows in memory. Whatever happens, every buffer is back in its pool at the end.</summary>
internal sealed class CsvRun
{
    public MemoryStore Store { get; init; } = new();

    public MemoryDestination Destination { get; init; } = new();

    public Dictionary<string, string[]> Settings { get; init; } = [];

    public string Path { get; init; } = "in.csv";

    public StreamRequest Request { get; init; } = new();

    // the smallest blocks that there are, so that inputs of some hundred kilobytes have several
    public PipelineOptions Options { get; init; } = new() { Workers = 2, MemoryLimit = 1 };

    public List<RejectedRow> Quarantined { get; } = [];

    public List<string> Restarts { get; } = [];

    public PipelineMetrics? Metrics { get; private set; }

    public static CsvRun Of(string text, params (string Key, string Value)[] settings) => Of(Encoding.UTF8.GetBytes(text), settings);

    public static CsvRun Of(byte[] bytes, params (string Key, string Value)[] settings) => new()
    {
        Store = new MemoryStore().Add("in.csv", bytes),
        Settings = settings.ToDictionary(static s => s.Key, static s => new[] { s.Value }),
    };

    public async Task<StreamResult> RunAsync(CancellationToken cancellationToken = default)
    {
        using var pool = new BufferPool();
        var shared = BufferPool.Shared.Outstanding;
        try
        {
            var values = Settings.Append(KeyValuePair.Create("path", new[] { Path }))
                .Select(static s => KeyValuePair.Create(s.Key, new OptionValue(s.Value, new SourceLocation("test"))));
            var format = new CsvFormat();
            await using var source = new FileSource(new OptionValues("source \"csv\"", Connectors.Files.FileOptions.ForSource(format), values), format, Store);
            var options = Options with { BadRows = Options.BadRows with { Quarantine = row => Quarantined.Add(row with { Raw = row.Raw.ToArray() }) } };
            var run = new StreamRun(source, Destination, options, pool, "run");
            run.Restarting += Restarts.Add;
            Metrics = run.Metrics;
            return await run.RunAsync(Request, cancellationToken);
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
            Assert.Equal(shared, BufferPool.Shared.Outstanding);
        }
    }

    /// <summary>Runs and gives the rows.</summary>
    public async Task<IReadOnlyList<string>> RowsAsync()
    {
        await RunAsync();
        return Destination.Rows;
    }
}
