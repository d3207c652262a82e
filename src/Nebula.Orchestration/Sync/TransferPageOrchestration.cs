namespace Nebula.Orchestration.Sync;

/// <summary>One page of chunks: moves them, so many at a time, and seals the page.</summary>
internal static class TransferPageOrchestration
{
    public static Task<Staged> RunAsync(OrchestrationContext context, PageRequest request) => TransferAsync(context, new SyncControl(context), request);

    /// <summary>Moves a page's chunks; fewer than it has when that was cancelled, and it is not sealed then.</summary>
    public static async Task<Staged> TransferAsync(OrchestrationContext context, SyncControl control, PageRequest request)
    {
        var page = request.Page;
        var retry = request.Settings.Retry;
        var staged = new Staged(0, 0, 0);
        await control.ForEachAsync(
            page.Count, request.Settings.ParallelChunks,
            index => context.CallActivityAsync(SyncDefinitions.TransferChunk, new ChunkTask(page, page.First + index), retry),
            chunk => staged = new Staged(staged.Rows + chunk.Rows, staged.Bytes + chunk.Bytes, staged.Parts + chunk.Parts));
        return staged.Parts < page.Count ? staged : await context.CallActivityAsync(SyncDefinitions.SealPage, page, retry);
    }
}
