using Nebula.Cli.Running;

namespace Nebula.Cli.Tests;

public sealed class RehearsalTests
{
    /// <summary>Nobody sees how a rehearsal ends, so that it is seen here that it comes to its end.</summary>
    [Fact]
    public async Task Run_OneRow_ComesOutAsJson() =>
        Assert.Equal("{\"id\":1,\"name\":\"one\",\"amount\":1.5,\"at\":\"2026-01-31T12:30:00\",\"active\":true}\n", await Rehearsal.RunAsync());
}
