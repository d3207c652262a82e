using Nebula.Samples.Connector;

namespace Nebula.ConnectorTestKit.Tests;

public sealed class SourceContractTests
{
    private const int RowCount = 5_000;
    private long _rows = RowCount;

    public static TheoryData<SourceFault, string> Faults => new()
    {
        { SourceFault.CheckFails, "check and discovery agree: expected checks that pass, as the stream can be read; found rows: out of numbers" },
        { SourceFault.HasColumnTwice, "names of columns of 'sequence' that differ" },
        { SourceFault.TakesAnyName, "a NebulaException for a stream that is not there" },
        { SourceFault.LosesRowAtChunkBorder, "chunks have each row exactly once: expected in 4 chunks of 20000 bytes, as in one: 5000 rows; "
            + "found 4997 rows: 3 of them missing, such as ('1251', " },
        { SourceFault.SplitsWhereOneIsAsked, "one chunk where no size is given; found 834" },
        { SourceFault.ReadsItsOwnChunksOnly, "a chunk is read by another instance, and again: expected no error, and none that is not a NebulaException" },
        { SourceFault.LeaksBuffer, "a stream is read from its start to its end: expected every buffer back in its pool at the end, whatever happened; "
            + "found 1 still on loan" },
        { SourceFault.LeaksWhenLeft, "a reader is left in the middle: expected every buffer back in its pool at the end, whatever happened; found 2 still" },
        { SourceFault.IgnoresColumnOrder, "batches of the columns of the plan, in their order: root: float64, number: int64; found number: int64, root: float64" },
        { SourceFault.DecodesInTurnOnly, "blocks are decoded at once and in any order: expected decoded at once: 5000 rows" },
        { SourceFault.ThrowsWhatNobodyKnows, "a type that cannot be made is refused: expected no error, and none that is not a NebulaException; "
            + "found System.InvalidCastException: no such type" },
        { SourceFault.NeverEndsOnceCancelled, "expected FetchAsync ends promptly once it is cancelled; found it was still waiting" },
        { SourceFault.CallsCancellationAnError, "FetchAsync, once cancelled, ends with an OperationCanceledException; found IOException" },
        { SourceFault.ReadsAllAgain, "an incremental read has only what is new: expected a read when nothing is new: 0 rows; found 5000 rows" },
    };

    [Fact]
    public Task Sample_KeepsTheContracts() => new SourceContract(static () => new SequenceSource(RowCount)) { Rows = RowCount }.VerifyAsync();

    [Fact]
    public async Task Verify_NoFault_FindsNothing() => await Contract(SourceFault.None).VerifyAsync();

    [Theory, MemberData(nameof(Faults))]
    public async Task Verify_Fault_IsFound(SourceFault fault, string expected)
    {
        var error = await Assert.ThrowsAsync<ContractException>(() => Contract(fault).VerifyAsync());

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("FaultySource breaks ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Find_WrongNumberOfRows_SaysBoth()
    {
        var findings = await new SourceContract(static () => new SequenceSource(10)) { Rows = 11 }.FindAsync();

        Assert.Equal([new Finding("a stream is read from its start to its end", "11 rows", "10")], findings);
    }

    [Fact]
    public async Task Find_Cancelled_Stops() => await Assert.ThrowsAnyAsync<OperationCanceledException>(
        () => Contract(SourceFault.None).FindAsync(new CancellationToken(canceled: true)));

    private SourceContract Contract(SourceFault fault) => new(() => new FaultySource(fault, () => _rows))
    {
        Patience = fault == SourceFault.NeverEndsOnceCancelled ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(30),
        AddRowsAsync = _ =>
        {
            _rows += 10;
            return Task.CompletedTask;
        },
    };
}
