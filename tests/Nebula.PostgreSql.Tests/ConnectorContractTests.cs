using Nebula.ConnectorTestKit;
using Nebula.Engine.Connectors;
using Nebula.PostgreSql.Tests.Server;
using Nebula.PostgreSql.Tests.Writing;

namespace Nebula.PostgreSql.Tests;

/// <summary>PostgreSQL as a source and as a destination keeps the contracts.</summary>
[Collection(ServersCollection.Name)]
public sealed class ConnectorContractTests(Servers servers)
{
    private const int Rows = 3_000;

    [Theory, Server(15), Server(18)]
    public async Task Source_Table_KeepsTheContracts(int version)
    {
        var server = servers[version];
        server.Execute("DROP SCHEMA IF EXISTS kit_source CASCADE; CREATE SCHEMA kit_source; "
            + "CREATE TABLE kit_source.t (id int PRIMARY KEY, name text, amount numeric(12,2), at timestamptz, tags text[]); " + Insert(0));
        try
        {
            await new SourceContract(() => new SourceRun(server, "postgres", ("schema", "kit_source")).Source)
            {
                Stream = "kit_source.t",
                Rows = Rows,
                Cursor = new IncrementalCursor("id", Lookback: null),
                AddRowsAsync = _ =>
                {
                    server.Execute(Insert(Rows));
                    return Task.CompletedTask;
                },
            }.VerifyAsync();
        }
        finally
        {
            server.Execute("DROP SCHEMA kit_source CASCADE");
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Destination_Table_KeepsTheContracts(int version)
    {
        var server = servers[version];
        server.Execute("DROP SCHEMA IF EXISTS kit_target CASCADE; CREATE SCHEMA kit_target");
        try
        {
            await new DestinationContract(() => DestinationRun.Open(server, ("schema", "kit_target")), ReadAsync)
            {
                ListAsync = _ => Task.FromResult<IReadOnlyList<string>>(
                    server.CopyCsv("SELECT relname FROM pg_class WHERE relnamespace = 'kit_target'::regnamespace").Split('\n')),
            }.VerifyAsync();
        }
        finally
        {
            server.Execute("DROP SCHEMA kit_target CASCADE");
        }

        async Task<IReadOnlyList<object?[]>> ReadAsync(StreamPlan plan, CancellationToken cancellationToken)
        {
            await using var source = new SourceRun(server).Source;
            return await SourceRows.ReadAsync(source, ["kit_target." + plan.Object], plan, cancellationToken);
        }
    }

    private static string Insert(int first) =>
        "INSERT INTO kit_source.t SELECT i, 'name ' || i, i / 7.0, timestamptz '2024-01-01' + i * interval '1 minute', ARRAY['a', NULL, i::text] "
        + $"FROM generate_series({first + 1}, {first + Rows}) i";
}
