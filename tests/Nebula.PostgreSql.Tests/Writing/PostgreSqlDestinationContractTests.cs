using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Writing;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlDestinationContractTests(Servers servers)
{
    private static readonly SchemaContract Frozen = new() { MakesTables = false, NewColumns = NewColumnPolicy.Fail, WidensTypes = false, KeepsDropped = false };

    [Theory, Server(15), Server(18)]
    public async Task Frozen_SameColumns_IsLoaded(int version)
    {
        await using var run = Create(version, "same", "CREATE TABLE same.t (id bigint, v text)");
        await run.LoadCsvAsync("id,v\n1,a\n", "same.t", new StreamRequest { Contract = Frozen });
        Assert.Equal(["1,a"], run.Rows("SELECT * FROM same.t"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Frozen_OtherColumns_IsRefusedWithTheRemedy(int version)
    {
        (string Sql, string Message)[] cases =
        [
            ("SELECT 1", "There is no table 'frozen.t', and 'schema.tables: freeze' keeps it from being made. Make it (CREATE TABLE"),
            ("CREATE TABLE frozen.t (id bigint)", "lacks \"v\", and 'schema.columns: freeze' keeps columns from being added. Add them (ALTER TABLE"),
            ("CREATE TABLE frozen.t (id int, v text)", "is too narrow, and 'schema.types: freeze' keeps it from being widened. Widen it (ALTER TABLE"),
            ("CREATE TABLE frozen.t (id bigint, v text, w int)", "has \"w\", which the source has no more, and 'schema.on_drop: fail' forbids that."),
        ];
        foreach (var (sql, message) in cases)
        {
            await using var run = Create(version, "frozen", sql);
            var error = await Assert.ThrowsAsync<NebulaException>(() => run.LoadCsvAsync("id,v\n1,a\n", "frozen.t", new StreamRequest { Contract = Frozen }));
            Assert.Equal(ErrorKind.Schema, error.Kind);
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task LeaveOut_NewColumn_IsNotAdded(int version)
    {
        await using var run = Create(version, "less", "CREATE TABLE less.t (id bigint)");
        await run.LoadCsvAsync("id,v\n1,a\n2,b\n", "less.t", new StreamRequest { Contract = new SchemaContract { NewColumns = NewColumnPolicy.LeaveOut } });
        Assert.Equal(["1", "2"], run.Rows("SELECT * FROM less.t"));
    }

    private DestinationRun Create(int version, string schema, string sql)
    {
        var run = new DestinationRun(servers[version]);
        run.Server.Execute($"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; {sql}");
        return run;
    }
}
