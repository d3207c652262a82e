using System.Globalization;
using Nebula.Connectors.Files;
using Nebula.Connectors.PostgreSql;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Writing;

/// <summary>Writes to tables of a server. Whatever happens, every buffer is back in its pool at the end.</summary>
internal sealed class DestinationRun : IAsyncDisposable
{
    public DestinationRun(PostgreSqlServer server, params (string Key, string Value)[] settings)
    {
        Server = server;
        Destination = Open(server, settings);
    }

    public PostgreSqlServer Server { get; }

    public IDestination Destination { get; }

    public BufferPool Pool { get; } = new();

    public static IDestination Open(PostgreSqlServer server, params (string Key, string Value)[] settings)
    {
        var connector = new ConnectorRegistry().AddPostgreSql().Find("pg")!;
        (string, string)[] all =
            [("host", "127.0.0.1"), ("port", server.Port.ToString(CultureInfo.InvariantCulture)), ("user", "nebula"), ("password", PostgreSqlServer.Password),
                ("database", "postgres"), .. settings];
        return connector.Destination(new OptionValues("target \"postgresql\"", connector.DestinationOptions!,
            all.GroupBy(static s => s.Item1).Select(static s => KeyValuePair.Create(s.Key, new OptionValue([s.Last().Item2], new SourceLocation("test"))))));
    }

    public static ISource Files(string path)
    {
        var connector = new ConnectorRegistry().AddFiles().Find("file")!;
        return connector.Source(
            new OptionValues("source \"file\"", connector.SourceOptions!, [KeyValuePair.Create("path", new OptionValue([path], new SourceLocation("test")))]));
    }

    /// <summary>Moves a stream, in the way that a run does.</summary>
    public async Task<StreamResult> LoadAsync(ISource source, StreamRequest request, string runId = "run") =>
        await new StreamRun(source, Destination, new PipelineOptions { Workers = 2, MemoryLimit = 1 }, Pool, runId).RunAsync(request, CancellationToken.None);

    /// <summary>Loads lines of CSV.</summary>
    public async Task<StreamResult> LoadCsvAsync(string csv, string table, StreamRequest? request = null, string runId = "run")
    {
        var folder = Directory.CreateTempSubdirectory("nebula-postgres-");
        try
        {
            var path = Path.Combine(folder.FullName, "t.csv");
            await File.WriteAllTextAsync(path, csv);
            await using var source = Files(path);
            return await LoadAsync(source, (request ?? new StreamRequest()) with { Object = table }, runId);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The rows of a query, values with bars between.</summary>
    public string[] Rows(string query) => Server.CopyCsv(query).Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];

    public async ValueTask DisposeAsync()
    {
        await Destination.DisposeAsync();
        Assert.Equal(0, Pool.Outstanding);
        Pool.Dispose();
    }
}
