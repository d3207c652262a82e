using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Tests.Protocol;

public sealed class ProtocolTests
{
    private static readonly DateTime Time = new DateTime(2026, 2, 28, 23, 59, 59, DateTimeKind.Utc).AddTicks(1_234_567);

    public static TheoryData<HistoryEvent> Events =>
    [
        new OrchestratorStarted(), new OrchestratorCompleted(),
        new ExecutionStarted("A")
        {
            Version = "", Input = "{}", InstanceId = "i", ExecutionId = "e", Parent = new ParentInstance("p", "P", 3), TraceParent = "00-a-b-01",
                TraceState = "s",
        },
        new ExecutionStarted("A"),
        new ExecutionCompleted(OrchestrationStatus.Failed, "r", new FailureDetails("t", "m") { StackTrace = "s", IsNonRetriable = true,
            Inner = new("u", "n") }),
        new ExecutionTerminated("why", true), new ExecutionSuspended(""), new ExecutionSuspended(null), new ExecutionResumed("x"),
        new TaskScheduled("T") { Input = "ü€😀", EventId = 7 }, new TaskCompleted(7, null), new TaskCompleted(0, ""), new TaskFailed(7, null),
        new TaskFailed(7, new FailureDetails("", "")), new SubOrchestrationCreated("c", "C") { EventId = 300, Input = "1" },
        new SubOrchestrationCompleted(300, "2"), new SubOrchestrationFailed(300, new FailureDetails("t", "m")), new TimerCreated(Time) { EventId = 2 },
        new TimerFired(2, Time), new EventSent("i", "n", "3"), new EventRaised("n", null),
    ];

    [Theory, MemberData(nameof(Events))]
    public void Event_WrittenAndRead_IsTheSame(HistoryEvent value)
    {
        var expected = value with { Timestamp = Time };
        var writer = new ProtocolWriter();
        HistoryEventCodec.Write(writer, 4, expected);
        var read = OrchestratorMessageCodec.ReadRequest(writer.Written);
        Assert.Equal(expected, Assert.Single(read.NewEvents));
    }

    [Theory]
    [InlineData("1970-01-01T00:00:00Z")]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("1969-12-31T23:59:59.9999999Z")]
    [InlineData("9999-12-31T23:59:59.9999999Z")]
    public void Timestamp_AtTheEdges_KeepsItsTicks(string text)
    {
        var time = DateTime.Parse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AdjustToUniversal);
        var writer = new ProtocolWriter();
        HistoryEventCodec.Write(writer, 3, new TimerFired(1, time));
        Assert.Equal(time, Assert.IsType<TimerFired>(OrchestratorMessageCodec.ReadRequest(writer.Written).PastEvents[0]).FireAt);
    }

    [Fact]
    public void Request_AnyBytes_IsReadOrRefusedWithAReason()
    {
        const int seed = 20240607;
        var random = new Random(seed);
        var writer = new ProtocolWriter();
        foreach (var row in Events)
            HistoryEventCodec.Write(writer, 3, row);
        var valid = writer.Written.ToArray();
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = valid[..random.Next(valid.Length)];
            for (var flips = random.Next(4); flips > 0 && bytes.Length > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                OrchestratorMessageCodec.ReadRequest(bytes);
            }
            catch (DataFormatException)
            {
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {round}: {e}");
            }
        }
    }

    [Fact]
    public void Failure_NestedWithoutEnd_IsCut()
    {
        var failure = new FailureDetails("t", "m");
        for (var i = 0; i < 1_000; i++)
            failure = new FailureDetails("t", "m") { Inner = failure };
        var writer = new ProtocolWriter();
        HistoryEventCodec.Write(writer, 3, new TaskFailed(1, failure));
        var read = Assert.IsType<TaskFailed>(OrchestratorMessageCodec.ReadRequest(writer.Written).PastEvents[0]).Failure;
        var depth = 0;
        for (; read is not null; read = read.Inner)
            depth++;
        Assert.InRange(depth, 1, 20);
    }
}
