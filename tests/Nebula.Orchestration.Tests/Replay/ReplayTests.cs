using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Tests.Replay;

public sealed class ReplayTests
{
    private static readonly ActivityDefinition<int, int> Double = new("Double", Payload.Int32, Payload.Int32);
    private static readonly OrchestrationDefinition<int, int> Child = new("Child", Payload.Int32, Payload.Int32);

    [Fact]
    public void Turn_ActivitiesInSequence_GiveTheResult()
    {
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, await context.CallActivityAsync(Double, input)), "5");
        Assert.Equal(new ScheduleTask(0, "Double", "5"), Assert.Single(history.Turn().Actions));
        Assert.Equal(new ScheduleTask(1, "Double", "10"), Assert.Single(history.Add(Result(0, "10")).Turn().Actions));
        history.Add(Result(1, "20")).Turn();
        Assert.Equal((OrchestrationStatus.Completed, "20"), (history.Completion().Status, history.Completion().Result));
    }

    [Fact]
    public void Turn_ResultTwice_CountsOnce()
    {
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, input) + await context.CallActivityAsync(Double, input), "1");
        history.Turn();
        history.Add(Result(0, "2"), Result(0, "77")).Turn();
        history.Add(Result(0, "78"), Result(1, "3")).Turn();
        Assert.Equal("5", history.Completion().Result);
    }

    [Fact]
    public void Turn_FanOutSettledInAnyOrder_KeepsTheOrderOfTheCode()
    {
        var history = Of(async (context, _) =>
        {
            var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => context.CallActivityAsync(Double, i)));
            return results.Aggregate(0, (sum, value) => (sum * 3) + value);
        });
        Assert.Equal(10, history.Turn().Actions.Count);
        foreach (var i in (int[])[3, 1, 9, 0, 2, 8, 7, 4])
            Assert.Empty(history.Add(Result(i, $"{i}")).Turn().Actions);
        history.Add(Result(6, "6"), Result(5, "5")).Turn();
        Assert.Equal(Enumerable.Range(0, 10).Aggregate(0, (sum, value) => (sum * 3) + value).ToString(), history.Completion().Result);
    }

    [Fact]
    public void Turn_BackendDropsSomeActions_TheyAreGivenAgain()
    {
        var registry = Registry(async (context, _) => (await Task.WhenAll(context.CallActivityAsync(Double, 1), context.CallActivityAsync(Double, 2))).Sum());
        var executor = new OrchestrationExecutor(registry);
        HistoryEvent[] past = [new OrchestratorStarted { Timestamp = History.Start }, new ExecutionStarted("Main") { Input = "0" },
            new TaskScheduled("Double") { EventId = 0 }];
        HistoryEvent[] split =
        [
            new OrchestratorStarted { Timestamp = History.Start }, new TimerCreated(History.Start) { EventId = -100 }, new TimerFired(-100, History.Start),
        ];
        var response = executor.Execute(new OrchestratorRequest("i", past, split));
        Assert.Equal(new ScheduleTask(1, "Double", "2"), Assert.Single(response.Actions));
    }

    [Fact]
    public void Turn_OtherActivityThanBefore_SaysWhichStepDiffers()
    {
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, input));
        history.Turn();
        var changed = Registry(async (context, input) => await context.CallActivityAsync(new ActivityDefinition<int, int>("Triple", Payload.Int32,
            Payload.Int32), input));
        var response = new OrchestrationExecutor(changed).Execute(new OrchestratorRequest("i1", history.Past, [new OrchestratorStarted()]));
        var completion = Assert.IsType<CompleteOrchestration>(Assert.Single(response.Actions));
        Assert.Equal(OrchestrationStatus.Failed, completion.Status);
        Assert.Equal("NonDeterminismException", completion.Failure!.Name);
        Assert.Contains("step 0", completion.Failure.Message, StringComparison.Ordinal);
        Assert.Contains("called activity 'Double'", completion.Failure.Message, StringComparison.Ordinal);
        Assert.Contains("calls activity 'Triple'", completion.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Turn_StepNoLongerTaken_SaysHowManySteps()
    {
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, input));
        history.Turn();
        var changed = Registry((_, input) => Task.FromResult(input));
        var response = new OrchestrationExecutor(changed).Execute(new OrchestratorRequest("i1", history.Past, [new OrchestratorStarted()]));
        Assert.Contains("only 0 steps", Assert.IsType<CompleteOrchestration>(Assert.Single(response.Actions)).Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Turn_AwaitsSomethingForeign_FailsInsteadOfWaitingForEver()
    {
        var foreign = new TaskCompletionSource<int>();
        var history = Of(async (_, _) => await foreign.Task);
        history.Turn();
        Assert.Equal("NonDeterminismException", history.Completion().Failure!.Name);
    }

    [Fact]
    public async Task Turn_ContinuesOnAnotherThread_IsRefusedThere()
    {
        var refused = new TaskCompletionSource<Exception>();
        var open = new ManualResetEventSlim();
        var history = Of(async (context, input) =>
        {
            await Task.Run(open.Wait).ConfigureAwait(false);
            try
            {
                return await context.CallActivityAsync(Double, input);
            }
            catch (InvalidOperationException e)
            {
                refused.SetResult(e);
                throw;
            }
        });
        history.Turn();
        open.Set();
        Assert.Contains("outside of its turn", (await refused.Task).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Turn_TimerOfTenDays_IsSetInStepsOfThree()
    {
        var history = Of(async (context, _) =>
        {
            await context.CreateTimer(TimeSpan.FromDays(10));
            return (int)(context.CurrentUtcDateTime - History.Start).TotalDays;
        });
        var days = new List<double>();
        for (var id = 0; history.Turn().Actions is [CreateTimer timer]; id++)
        {
            days.Add((timer.FireAt - history.Now).TotalDays);
            history.Now = timer.FireAt;
            history.Add(new TimerFired(id, timer.FireAt));
        }
        Assert.Equal([3, 3, 3, 1], days);
        Assert.Equal("10", history.Completion().Result);
    }

    [Fact]
    public void Turn_TimerCancelled_LateFiringIsIgnored()
    {
        var history = Of(async (context, _) =>
        {
            using var stop = new CancellationTokenSource();
            var timer = context.CreateTimer(TimeSpan.FromHours(1), stop.Token);
            var work = context.CallActivityAsync(Double, 4);
            if (await Task.WhenAny(timer, work) == work)
                stop.Cancel();
            return await work + await context.CallActivityAsync(Double, 1);
        });
        history.Turn();
        history.Add(Result(1, "8")).Turn();
        history.Add(new TimerFired(0, history.Now), Result(2, "2")).Turn();
        Assert.Equal("10", history.Completion().Result);
    }

    [Fact]
    public void Turn_EventsBeforeTheWait_AreKeptInOrderWhateverTheirCase()
    {
        var history = Of(async (context, _) =>
        {
            await context.CallActivityAsync(Double, 1);
            return (await context.WaitForExternalEvent("go", Payload.Int32) * 10) + await context.WaitForExternalEvent("GO", Payload.Int32);
        });
        history.Add(new EventRaised("Go", "1")).Turn();
        history.Add(new EventRaised("other", "5"), Result(0, "1")).Turn();
        history.Add(new EventRaised("gO", "2")).Turn();
        Assert.Equal("12", history.Completion().Result);
    }

    [Fact]
    public void Turn_Suspended_DoesNothingUntilResumed()
    {
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, input) + await context.WaitForExternalEvent("x",
            Payload.Int32), "1");
        history.Turn();
        Assert.Empty(history.Add(new ExecutionSuspended("why"), Result(0, "2"), new EventRaised("x", "3")).Turn().Actions);
        Assert.Empty(history.Turn().Actions);
        history.Add(new ExecutionResumed(null)).Turn();
        Assert.Equal("5", history.Completion().Result);
    }

    [Fact]
    public void Turn_TerminatedWhileSuspended_Ends()
    {
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, input));
        history.Turn();
        history.Add(new ExecutionSuspended(null), new ExecutionTerminated("enough", true)).Turn();
        Assert.Equal((OrchestrationStatus.Terminated, "enough"), (history.Completion().Status, history.Completion().Result));
        Assert.Single(history.Last.Actions);
    }

    [Fact]
    public void Turn_ContinueAsNew_CarriesEventsOver()
    {
        var history = Of(async (context, input) =>
        {
            await context.WaitForExternalEvent("next", Payload.Int32);
            context.ContinueAsNew(Payload.Int32, input + 1);
            return 0;
        }, "41");
        history.Add(new EventRaised("early", "1"), new EventRaised("next", "2"), new EventRaised("next", "3"), new EventRaised("late", "4")).Turn();
        var completion = history.Completion();
        Assert.Equal((OrchestrationStatus.ContinuedAsNew, "42"), (completion.Status, completion.Result));
        Assert.Equal(["early", "next", "late"], completion.CarryOver.Select(raised => raised.Name));
    }

    [Fact]
    public void Turn_FailedActivity_IsRepeatedAsThePolicySays()
    {
        var retry = new RetryPolicy { MaxAttempts = 3, FirstDelay = TimeSpan.FromSeconds(10), Jitter = 0.5 };
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, input, retry), "3");
        history.Turn();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var lost = new FailureDetails("Microsoft.Azure.WebJobs.Host.FunctionInvocationException", "Exception while executing function")
            {
                Inner = new FailureDetails("System.Net.Http.HttpRequestException", "500"),
            };
            var timer = Assert.IsType<CreateTimer>(Assert.Single(history.Add(new TaskFailed(attempt * 2, lost)).Turn().Actions));
            Assert.InRange((timer.FireAt - history.Now).TotalSeconds, 5 << attempt, 15 << attempt);
            history.Now = timer.FireAt;
            Assert.IsType<ScheduleTask>(Assert.Single(history.Add(new TimerFired(timer.Id, timer.FireAt)).Turn().Actions));
        }
        history.Add(new TaskCompleted(4, /*lang=json*/ """{"ok":false,"error":{"type":"Throttled.X","message":"slow down","retriable":true}}""")).Turn();
        Assert.Equal("Throttled.X", history.Completion().Failure!.ErrorType);
        Assert.Equal("slow down", history.Completion().Result);
        Assert.Equal(2, history.Messages.Count);
    }

    [Theory]
    [InlineData("Data.DataFormatException", false)]
    [InlineData("Transient.NebulaException", true)]
    [InlineData("System.InvalidOperationException", false)]
    [InlineData("System.Net.Http.HttpRequestException", true)]
    public void Turn_KindOfFailure_DecidesAboutRepeating(string type, bool repeated)
    {
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, input, new RetryPolicy()));
        history.Turn();
        history.Add(new TaskFailed(0, new FailureDetails(type, "why"))).Turn();
        Assert.Equal(repeated, history.Last.Actions[0] is CreateTimer);
    }

    [Fact]
    public void Turn_ChildFails_ItsErrorIsTheParents()
    {
        var history = Of(async (context, input) => await context.CallSubOrchestratorAsync(Child, input));
        Assert.Equal("e1:0", Assert.IsType<CreateSubOrchestration>(Assert.Single(history.Turn().Actions)).InstanceId);
        history.Add(new SubOrchestrationFailed(0, new FailureDetails("Data.DataFormatException", "row 7: no number"))).Turn();
        Assert.Equal(new FailureDetails("Data.DataFormatException", "row 7: no number"), history.Completion().Failure);
    }

    [Fact]
    public void Turn_TaskFailedWithoutDetails_IsPermanent()
    {
        var history = Of(async (context, input) => await context.CallActivityAsync(Double, input, new RetryPolicy()));
        history.Turn();
        history.Add(new TaskFailed(0, null)).Turn();
        Assert.Contains("'Double' could not be run", history.Completion().Result, StringComparison.Ordinal);
    }

    [Fact]
    public void Turn_Replayed_GivesTheSameGuidsAndNoMessageTwice()
    {
        var seen = new List<Guid>();
        var history = Of(async (context, input) =>
        {
            seen.Add(context.NewGuid());
            context.Log(OrchestrationLogLevel.Information, "begun");
            await context.CallActivityAsync(Double, input);
            seen.Add(context.NewGuid());
            context.Log(OrchestrationLogLevel.Information, "done");
            return 0;
        });
        history.Turn();
        history.Add(Result(0, "1")).Turn();
        Assert.Equal(["begun", "done"], history.Messages);
        Assert.Equal(seen[0], seen[1]);
        Assert.NotEqual(seen[1], seen[2]);
    }

    [Fact]
    public void Turn_StatusTooLarge_FailsWithItsSize()
    {
        var history = Of((context, _) =>
        {
            context.SetCustomStatus(Payload.String, new string('x', 8_000));
            return Task.FromResult(0);
        });
        history.Turn();
        Assert.Contains("8002 characters", history.Completion().Result, StringComparison.Ordinal);
    }

    [Fact]
    public void Turn_UnknownOrchestration_SaysWhichNameWasMeant()
    {
        var history = new History(Registry((_, input) => Task.FromResult(input)), "Mian");
        history.Turn();
        Assert.Contains("Did you mean 'Main'?", history.Completion().Result, StringComparison.Ordinal);
    }

    [Fact]
    public void Turn_HistoryWithoutItsStart_AsksForTheHistory() => Assert.True(
        new OrchestrationExecutor(Registry((_, input) => Task.FromResult(input)))
            .Execute(new OrchestratorRequest("i", [], [new OrchestratorStarted(), Result(0, "1")])).RequiresHistory);

    private static TaskCompleted Result(int id, string value) => new(id, $$"""{"ok":true,"value":{{value}}}""");

    private static TaskRegistry Registry(Func<OrchestrationContext, int, Task<int>> run) =>
        new TaskRegistry().AddOrchestration(new OrchestrationDefinition<int, int>("Main", Payload.Int32, Payload.Int32), run);

    private static History Of(Func<OrchestrationContext, int, Task<int>> run, string input = "0") => new(Registry(run), "Main", input);
}
