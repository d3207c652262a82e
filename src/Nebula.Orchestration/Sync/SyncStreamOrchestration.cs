using Nebula.Engine.Connectors;

namespace Nebula.Orchestration.Sync;

/// <summary>One stream: plan, prepare, split, move the chunks, commit, acknowledge. What fails before the commit is removed from staging.</summary>
internal static class SyncStreamOrchestration
{
    public static async Task<StreamResult> RunAsync(OrchestrationContext context, StreamRequest request)
    {
        var control = new SyncControl(context);
        var name = $"stream {request.Task.Stream}";
        try
        {
            var retry = request.Settings.Retry;
            var planned = await context.CallActivityAsync(SyncDefinitions.PlanStream, request.Task, retry);
            name = planned.Name;
            request = request with
            {
                Name = name,
                Settings = planned.TakesChunksInOrder ? request.Settings with { ParallelChunks = 1 } : request.Settings,
            };
            var before = await context.CallActivityAsync(SyncDefinitions.Prepare, request, retry);
            // the snapshot of a captured stream is moved once; its changes come with those of all others
            if (planned.IsCaptured && before.Checkpoint.Sequence > 0 && !request.Task.Anew)
                return new StreamResult(name, SyncOutcome.Completed) { IsCaptured = true };
            try
            {
                return await MoveAsync(context, control, request, before.Checkpoint) with { IsCaptured = planned.IsCaptured };
            }
            catch (TaskFailedException e) when (IsContradiction(e) && !request.Task.ReadEverything)
            {
                context.Log(OrchestrationLogLevel.Warning, $"Stream '{name}' starts again with types from every value: {e.Reason}");
            }
            request = request with { Task = request.Task with { ReadEverything = true } };
            await context.CallActivityAsync(SyncDefinitions.PlanStream, request.Task, retry);
            await context.CallActivityAsync(SyncDefinitions.Prepare, request, retry);
            return await MoveAsync(context, control, request, before.Checkpoint);
        }
        catch (TaskFailedException e)
        {
            return Failures.Of(name, e);
        }
    }

    /// <summary>Moves all chunks of a stream and commits them.</summary>
    private static async Task<StreamResult> MoveAsync(OrchestrationContext context, SyncControl control, StreamRequest request, Checkpoint before)
    {
        var retry = request.Settings.Retry;
        var staged = new Staged(0, 0, 0);
        ChunkList? chunks = null;
        CommitTask commit;
        try
        {
            chunks = await context.CallActivityAsync(SyncDefinitions.Split, request, retry);
            var pages = Pages(request, chunks);
            control.Changed = Show;
            Show();
            var parallel = ParallelPages(request.Settings, pages.Count);
            var share = request.Settings with { ParallelChunks = Math.Max(1, request.Settings.ParallelChunks / parallel) };
            await control.ForEachAsync(pages.Count, parallel, page => TransferAsync(context, control, new PageRequest(pages[page], share), pages.Count), page =>
            {
                staged = new Staged(staged.Rows + page.Rows, staged.Bytes + page.Bytes, staged.Parts + page.Parts);
                Show();
            });
            commit = new CommitTask(request.Task, request.Name, chunks.Attempt, pages.Count, chunks.Position, before.Sequence + 1);
            if (staged.Parts < chunks.Chunks)
            {
                await context.CallActivityAsync(SyncDefinitions.Abort, commit, retry);
                return new StreamResult(request.Name, SyncOutcome.Cancelled);
            }
        }
        catch (TaskFailedException e)
        {
            await AbortAsync(context, request, before, e);
            throw new TaskFailedException(e.TaskName, e.Failure) { RetryAfter = e.RetryAfter };
        }
        await CommitAsync(context, commit, retry);
        return new StreamResult(request.Name, SyncOutcome.Completed)
        {
            Rows = staged.Rows,
            Bytes = staged.Bytes,
            Chunks = staged.Parts,
            Compared = chunks.Compared,
        };

        void Show() => context.SetCustomStatus(SyncDefinitions.Status, new SyncStatus(control.State)
        {
            Total = chunks.Chunks,
            Done = staged.Parts,
            Rows = staged.Rows,
            Bytes = staged.Bytes,
        });
    }

    /// <summary>Commits and acknowledges.</summary>
    private static async Task CommitAsync(OrchestrationContext context, CommitTask commit, RetryPolicy retry)
    {
        try
        {
            await context.CallActivityAsync(SyncDefinitions.Commit, commit, retry);
        }
        catch (TaskFailedException e) when (!e.IsTransient)
        {
            // refused for good, so nothing of it can be visible; after a broken connection that is not known, and staging is left to the next run
            await AbortAsync(context, commit, e);
            throw new TaskFailedException(e.TaskName, e.Failure) { RetryAfter = e.RetryAfter };
        }
        await context.CallActivityAsync(SyncDefinitions.Acknowledge, commit, retry);
    }

    private static Task AbortAsync(OrchestrationContext context, StreamRequest request, Checkpoint before, TaskFailedException cause) =>
        AbortAsync(context, new CommitTask(request.Task, request.Name, "", 0, "", before.Sequence + 1), cause);

    private static async Task AbortAsync(OrchestrationContext context, CommitTask commit, TaskFailedException cause)
    {
        try
        {
            await context.CallActivityAsync(SyncDefinitions.Abort, commit, new RetryPolicy { MaxAttempts = 3 });
        }
        catch (TaskFailedException e)
        {
            // the first error is the one to tell; what is left in staging is invisible, and the next run's preparation removes it
            context.Log(OrchestrationLogLevel.Warning, $"After '{cause.Reason}' staging could not be cleaned: {e.Reason}");
        }
    }

    private static bool IsContradiction(TaskFailedException error) => error.Failure.Name == nameof(SchemaContradictionException);

    private static List<PageTask> Pages(StreamRequest request, ChunkList chunks)
    {
        var size = SyncActivities.PageSizeOf(request.Settings);
        var pages = new List<PageTask>();
        for (var first = 0; first < chunks.Chunks; first += size)
            pages.Add(new PageTask(request.Task, chunks.Attempt, pages.Count, first, Math.Min(size, chunks.Chunks - first)));
        return pages;
    }

    /// <summary>How many pages share the workers. Few, as each is a history of its own; enough that a page has several rounds of chunks for each worker, or
    /// they would wait at its end for the slowest.</summary>
    private static int ParallelPages(SyncSettings settings, int pages)
    {
        const int Rounds = 8;
        var workers = Math.Max(1, settings.ParallelChunks);
        var wanted = ((workers * (long)Rounds) + settings.PageSize - 1) / Math.Max(1, settings.PageSize);
        return (int)Math.Clamp(wanted, 1, Math.Max(1, Math.Min(workers, pages)));
    }

    private static Task<Staged> TransferAsync(OrchestrationContext context, SyncControl control, PageRequest page, int pages) => pages == 1
        ? TransferPageOrchestration.TransferAsync(context, control, page)
        : control.CallAsync(SyncDefinitions.TransferPage, page);
}
