namespace Nebula.ConnectorTestKit.Tests;

public sealed class DestinationContractTests
{
    private readonly Memory _memory = new();

    public static TheoryData<DestinationFault, string> Faults => new()
    {
        { DestinationFault.ShowsWhatIsStaged, "what is committed can be read: expected before the commit: 0 rows; found 60 rows" },
        { DestinationFault.IgnoresToken, "the same token again does nothing: expected after three commits with one token: 60 rows; found 180 rows" },
        { DestinationFault.TakesNullForEmpty, "what is committed can be read: expected after the commit: 60 rows; found 60 rows" },
        { DestinationFault.LosesRowOfEachBlock, "what is committed can be read: expected after the commit: 60 rows; found 51 rows: 9 of them missing" },
        { DestinationFault.AddsToFirstAttempt, "a second attempt at a chunk replaces the first: expected of the last attempt: 60 rows; found 180 rows" },
        { DestinationFault.LosesChunk, "chunks come as the destination allows: expected written in chunks (Any): 180 rows; found 60 rows: 120 of them missing" },
        { DestinationFault.ClearsWhatIsPreparedTwice,
            "preparing once more, and late, takes nothing away: expected after the run had prepared twice: 60 rows; found 0 rows: 60 of them missing" },
        { DestinationFault.KeepsWhatIsReplaced, "replace takes the place of what is there: expected of the second run: 60 rows; found 120 rows" },
        { DestinationFault.MergesByAdding, "merge goes by the key: expected of both runs, those of the second in place of those with the same key: 90 rows; "
            + "found 120 rows: 30 that should not be there" },
        { DestinationFault.TakesStaleRun, "a stale run is refused: expected a NebulaException for a run that expects sequence 1 where 2 is committed; found a commit" },
        { DestinationFault.LeavesWhatIsAborted, "a run that is aborted leaves nothing: expected nothing of the run that was aborted; found kit_aborted/" },
        { DestinationFault.LeaksBuffer, "expected every buffer back in its pool at the end, whatever happened; found 1 still on loan" },
        { DestinationFault.NeverEndsOnceCancelled, "expected WriteAsync ends promptly once it is cancelled; found it was still waiting" },
        { DestinationFault.ThrowsWhatNobodyKnows, "what is committed can be read: expected no error, and none that is not a NebulaException; "
            + "found System.InvalidOperationException: out of order" },
    };

    [Fact]
    public async Task Verify_NoFault_FindsNothing() => await Contract(DestinationFault.None).VerifyAsync();

    [Theory, MemberData(nameof(Faults))]
    public async Task Verify_Fault_IsFound(DestinationFault fault, string expected)
    {
        var error = await Assert.ThrowsAsync<ContractException>(() => Contract(fault).VerifyAsync());

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private DestinationContract Contract(DestinationFault fault) => new(() => new FaultyDestination(fault, _memory), _memory.ReadAsync)
    {
        Patience = fault == DestinationFault.NeverEndsOnceCancelled ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(30),
        ListAsync = _ => Task.FromResult<IReadOnlyList<string>>([.. _memory.Staged.Keys, .. _memory.Tables.Keys]),
    };
}
