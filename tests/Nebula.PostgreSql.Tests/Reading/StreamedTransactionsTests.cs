using System.Buffers.Binary;
using System.Text;
using Nebula.Connectors.PostgreSql.Changes;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.PostgreSql.Tests.Reading;

/// <summary>What comes of transactions that have not ended, message by message.</summary>
public sealed class StreamedTransactionsTests : IDisposable
{
    private readonly BufferPool _pool = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-spool-").FullName;

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        Assert.Empty(Directory.GetFiles(_folder));
        Directory.Delete(_folder);
        _pool.Dispose();
    }

    [Fact]
    public void Take_TransactionsInParts_ComeInTheOrderOfCommits()
    {
        Assert.Equal(
            ["Begin 20 200 7", "I:c", "Commit 20 21 200", "B!", "I:d", "C!", "Begin 40 400 5", "R:r", "I:a", "I:b", "I:e", "Commit 40 41 400"],
            Read(
                Start(5), Change('R', 5, "r"), Change('I', 5, "a"), Change('I', 5, "b"), Stop, Start(7), Change('I', 7, "c"), Stop, Start(9),
                Change('I', 9, "x"), Stop, StreamCommit(7, 20), Text("B!"), Text("I:d"), Text("C!"), Abort(9, 9), Start(5), Change('I', 5, "e"), Stop,
                StreamCommit(5, 40)));
    }

    [Fact]
    public void Take_SubtransactionsRolledBack_LeaveWhatCameBefore()
    {
        Assert.Equal(
            ["Begin 9 90 1", "I:a", "I:b", "R:00002", "I:d", "Commit 9 10 90"],
            Read(
                Start(1), Change('I', 1, "a"), Change('I', 2, "b"), Change('I', 3, "x"), Change('R', 3, "00001"), Change('R', 3, "00002"), Stop, Start(1),
                Change('I', 4, "y"), Change('I', 3, "z"), Stop,
                // those within come first, as the server has it; one that is not known is nothing; a later version tells more
                Abort(1, 4), [.. Abort(1, 3), 1, 2, 3, 4, 5, 6, 7, 8], Abort(1, 77), Abort(66, 66), Start(1), Change('I', 1, "d"), Stop, StreamCommit(1, 9)));
    }

    [Fact]
    public void Take_ValuesLargerThanABlock_AreWhole()
    {
        var large = new string('v', 700_000);
        var middle = new string('w', 200_000);
        Assert.Equal(
            ["Begin 9 90 1", $"I:{middle}", $"I:{middle}", $"I:{large}", "I:a", $"I:{large}", "Commit 9 10 90"],
            Read(Start(1), Change('I', 1, middle), Change('I', 1, middle), Change('I', 1, large), Change('I', 1, "a"), Change('I', 1, large), Stop,
                StreamCommit(1, 9)));
    }

    [Fact]
    public void Take_TransactionsThatNeverEnd_AreGone() => Assert.Empty(Read(Start(1), Change('I', 1, "a"), Stop, Start(2), Change('I', 2, "b")));

    [Fact]
    public void Take_MessagesCutShort_AreRefused()
    {
        byte[][] whole = [Start(1), Change('I', 1, "a"), Stop, Abort(1, 5), StreamCommit(1, 9)];
        for (var cut = 0; cut < whole.Length; cut++)
            for (var length = 1; length < Math.Min(whole[cut].Length, 5); length++)
                if (whole[cut].Length > 1)
                    Assert.Throws<DataFormatException>(() => Read([.. whole[..cut], whole[cut][..length]]));
        Assert.Throws<DataFormatException>(() => Read(Start(1), Start(2)));
    }

    private static byte[] Stop => [(byte)'E'];

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Start(uint xid) => [(byte)'S', .. Number(xid), 1];

    private static byte[] Abort(uint xid, uint aborted) => [(byte)'A', .. Number(xid), .. Number(aborted)];

    private static byte[] Change(char kind, uint xid, string content) => [(byte)kind, .. Number(xid), .. Text($":{content}")];

    private static byte[] StreamCommit(uint xid, ulong lsn) => [(byte)'c', .. Number(xid), 0, .. Number(lsn), .. Number(lsn + 1), .. Number(lsn * 10)];

    private static byte[] Number(uint value)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Number(ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    private List<string> Read(params byte[][] messages)
    {
        using var transactions = new StreamedTransactions(new TransactionSpool(_folder, long.MaxValue), _pool);
        using var buffer = new MessageBuffer(_pool);
        foreach (var message in messages)
        {
            buffer.Frame(message.Length);
            message.CopyTo(buffer.Reserve(message.Length));
            buffer.Advance(message.Length);
        }
        var read = new List<string>();
        while (transactions.TryTake(buffer, out var message))
            read.Add((message[0], message.Length) switch
            {
                ((byte)'B', 21) => $"Begin {Long(message[1..])} {Long(message[9..])} {BinaryPrimitives.ReadUInt32BigEndian(message[17..])}",
                ((byte)'C', 26) => $"Commit {Long(message[2..])} {Long(message[10..])} {Long(message[18..])}",
                _ => Encoding.UTF8.GetString(message),
            });
        return read;
    }

    private static ulong Long(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64BigEndian(bytes);
}
