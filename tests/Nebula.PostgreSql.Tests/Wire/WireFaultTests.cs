using System.Net;
using System.Net.Sockets;
using System.Text;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Wire;

/// <summary>What a server sends that is broken, or something else, or nothing.</summary>
public sealed class WireFaultTests
{
    private const int LargestRow = 1 << 20;

    public static TheoryData<string, byte[]> BrokenWelcomes => new()
    {
        { "negative", [(byte)'R', 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0] },
        { "shorter than itself", [(byte)'R', 0, 0, 0, 3, 0, 0, 0, 0] },
        { "too large", [(byte)'R', 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0] },
        { "the web", "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray() },
        { "out of order", StandIn.Ready },
        { "a short key", [.. StandIn.Message('R', [0, 0, 0, 0]), .. StandIn.Message('K', [0, 0, 0, 7])] },
        { "a long status", [.. StandIn.Message('R', [0, 0, 0, 0]), .. StandIn.Message('Z', "II"u8)] },
        { "a request without number", StandIn.Message('R', [0, 0]) },
    };

    [Theory, MemberData(nameof(BrokenWelcomes))]
    public void Open_BrokenFrames_SaysThatTheyAreNone(string what, byte[] welcome)
    {
        using var server = new StandIn([welcome], stays: true);

        var error = Assert.Throws<DataFormatException>(() => WireConnection.Open(server.Settings, CancellationToken.None));

        Assert.True(error.Message.Contains("not what a PostgreSQL server says", StringComparison.Ordinal), $"{what}: {error.Message}");
    }

    [Fact]
    public void Open_AnswerThatIsCutOff_SaysThatTheConnectionWasClosed()
    {
        for (var length = 0; length < StandIn.Welcome.Length; length++)
        {
            using var server = new StandIn([StandIn.Welcome[..length]]);

            Assert.Throws<EndOfStreamException>(() => WireConnection.Open(server.Settings, CancellationToken.None));
        }
    }

    [Theory]
    [InlineData("r=other,s=c2FsdA==,i=4096")]
    [InlineData("r=,s=c2FsdA==,i=4096")]
    [InlineData("{0},s=c2FsdA==,i=2000000000")]
    [InlineData("{0},s=c2FsdA==,i=0")]
    [InlineData("{0},s=!,i=4096")]
    [InlineData("")]
    public void Open_ChallengeThatIsNone_IsRefused(string challenge)
    {
        using var server = new StandIn([StandIn.Sasl(10, "SCRAM-SHA-256\0\0"), StandIn.Sasl(11, challenge)], stays: true);

        Assert.Throws<DataFormatException>(() => WireConnection.Open(server.Settings, CancellationToken.None));
    }

    [Fact]
    public void Open_ServerThatDoesNotProveItself_IsRefused()
    {
        using var server = new StandIn([StandIn.Sasl(10, "SCRAM-SHA-256\0\0"), StandIn.Welcome], stays: true);

        Assert.Throws<DataFormatException>(() => WireConnection.Open(server.Settings, CancellationToken.None));
    }

    [Fact]
    public void Open_WayToLogInThatIsUnknown_IsRefused()
    {
        using var server = new StandIn([StandIn.Sasl(7, "")], stays: true);

        Assert.Throws<NpgsqlException>(() => WireConnection.Open(server.Settings, CancellationToken.None));
    }

    [Fact]
    public void Open_ServerThatSaysNothing_TakesNoLongerThanAllowed()
    {
        using var server = new StandIn([[]], stays: true);
        using var cancelled = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        Assert.Throws<TimeoutException>(() => WireConnection.Open(server.Settings with { Timeout = TimeSpan.FromMilliseconds(50) }, CancellationToken.None));
        using var other = new StandIn([[]], stays: true);
        Assert.ThrowsAny<OperationCanceledException>(() => WireConnection.Open(other.Settings, cancelled.Token));
    }

    [Fact]
    public void Open_NobodyTakesTheConnection_TakesNoLongerThanAllowed()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var place = (IPEndPoint)listener.LocalEndPoint!;
        // what nobody takes fills the queue, behind which the system lets others wait
        var waiting = Enumerable.Range(0, 4).Select(static _ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        foreach (var socket in waiting)
            _ = socket.ConnectAsync(place);

        Assert.Throws<TimeoutException>(() => WireConnection.Open(
            new WireSettings("127.0.0.1", place.Port, "postgres", "nebula") { Timeout = TimeSpan.FromMilliseconds(100) }, CancellationToken.None));

        waiting.ForEach(static socket => socket.Dispose());
    }

    [Theory]
    [InlineData(new byte[] { (byte)'d', 0xFF, 0xFF, 0xFF, 0xFF }, "-5 bytes")]
    [InlineData(new byte[] { (byte)'d', 0x80, 0, 0, 0 }, "bytes")]
    [InlineData(new byte[] { (byte)'d', 0, 0x10, 0, 5 }, "more than the 1.0 MB")]
    [InlineData(new byte[] { (byte)'?', 0, 0, 0, 4 }, "'?' does not belong here")]
    [InlineData(new byte[] { (byte)'D', 0, 0, 0, 6, 0, 0 }, "'D' does not belong here")]
    public void Read_FramesThatLie_AreRefused(byte[] frame, string message)
    {
        using var server = new StandIn([StandIn.Welcome, [.. StandIn.Message('H', [0, 0, 0]), .. StandIn.Message('d', "row\n"u8), .. frame]], stays: true);
        using var connection = WireConnection.Open(server.Settings, CancellationToken.None);
        using var pool = new BufferPool();
        var copy = connection.BeginCopy("COPY", "it", LargestRow);

        var error = Assert.Throws<DataFormatException>(() =>
        {
            while (copy.Read(pool, 64 << 10, atOnce: false, out _) is { } block)
                block.Dispose();
        });

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_AnswerThatIsCutOff_SaysThatTheConnectionWasClosed()
    {
        byte[] answer = [.. StandIn.Message('H', [0, 0, 0]), .. StandIn.Message('d', "row\n"u8), .. StandIn.Message('c', []),
            .. StandIn.Message('C', "COPY 1\0"u8)];
        for (var length = 0; length <= answer.Length; length++)
        {
            using var server = new StandIn([StandIn.Welcome, answer[..length]]);
            using var connection = WireConnection.Open(server.Settings, CancellationToken.None);
            using var pool = new BufferPool();

            Assert.Throws<EndOfStreamException>(() =>
            {
                var copy = connection.BeginCopy("COPY", "it", LargestRow);
                while (copy.Read(pool, 64 << 10, atOnce: false, out _) is { } block)
                    block.Dispose();
            });
            Assert.Equal(0, pool.Outstanding);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Read_RowsOfAnySizeInPiecesOfAnySize_AreTheRows(int seed)
    {
        var random = new Random(seed);
        var rows = Enumerable.Range(0, 300).Select(i => Row(random, i % 60 == 7 ? random.Next(1 << 20) : random.Next(2_000))).ToList();
        byte[] notice = StandIn.Message('N', "SNOTICE\0\0"u8);
        byte[] answer = [.. StandIn.Message('H', [0, 0, 0]),
            .. rows.SelectMany((row, i) => (byte[])[.. StandIn.Message('d', row), .. i % 50 == 3 ? notice : []]),
            .. StandIn.Message('c', []), .. StandIn.Message('C', "COPY\0"u8), .. StandIn.Ready];
        using var server = new StandIn([StandIn.Welcome, answer], () => 1 + random.Next(100_000), stays: true);
        using var connection = WireConnection.Open(server.Settings, CancellationToken.None);
        using var pool = new BufferPool();
        var copy = connection.BeginCopy("COPY", "it", LargestRow);

        var read = new List<byte>();
        var count = 0;
        while (copy.Read(pool, 16 << 10, atOnce: seed == 3, out var some) is { } block)
            using (block)
            {
                read.AddRange(block.Content);
                count += some;
                Assert.True(rows.Take(count).Sum(static row => row.Length) == read.Count, "a block ends within a row");
            }

        Assert.Equal(rows.Count, count);
        Assert.True(rows.SelectMany(static row => row).SequenceEqual(read), "other bytes");
        Assert.True(connection.IsIdle);
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Wait_MessagesOfAnySizeInPiecesOfAnySize_AreTheMessages(int seed)
    {
        var random = new Random(seed);
        var messages = Enumerable.Range(0, 200).Select(i => Row(random, 1 + (i % 60 == 7 ? random.Next(1 << 20) : random.Next(2_000)))).ToList();
        byte[] notice = StandIn.Message('N', "SNOTICE\0\0"u8);
        byte[] heartbeat = StandIn.Message('d', [(byte)'k', .. Number(500), .. Number(0), 1]);
        byte[] answer = [.. StandIn.Message('W', [0, 0, 0]), .. messages.SelectMany((message, i) => (byte[])[.. StandIn.Message('d',
            [(byte)'w', .. Number((ulong)i), .. Number(1000), .. Number(0), .. message]), .. i % 50 == 3 ? heartbeat : [], .. i % 50 == 4 ? notice : []])];
        using var server = new StandIn([StandIn.Welcome, answer], () => 1 + random.Next(100_000));
        using var connection = WireConnection.Open(server.Settings, CancellationToken.None);
        using var pool = new BufferPool();
        using var stream = connection.BeginStream("START_REPLICATION", pool);

        var read = new List<byte[]>();
        Assert.Throws<EndOfStreamException>(() => ReadAll(stream, read));

        Assert.Equal(messages.Count, read.Count);
        Assert.All(messages.Zip(read), static pair => Assert.True(pair.First.AsSpan().SequenceEqual(pair.Second)));
        Assert.Equal((500ul, true), (stream.Received, stream.IsAsked));
        stream.Dispose();
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("")]
    [InlineData("k12345")]
    [InlineData("w12345")]
    public void Wait_DataThatIsNoLog_IsRefused(string data)
    {
        byte[] answer = [.. StandIn.Message('W', [0, 0, 0]), .. StandIn.Message('d', Encoding.ASCII.GetBytes(data))];
        using var server = new StandIn([StandIn.Welcome, answer], stays: true);
        using var connection = WireConnection.Open(server.Settings, CancellationToken.None);
        using var pool = new BufferPool();
        using var stream = connection.BeginStream("START_REPLICATION", pool);
        stream.Wait();

        Assert.Throws<DataFormatException>(() => stream.TryTake(out _));
    }

    [Fact]
    public void Query_RowsThatLie_AreRefused()
    {
        foreach (byte[] row in new byte[][] { [], [0, 1], [0, 1, 0, 0, 0, 9, 1], [0xFF, 0xFF, 0, 0, 0, 1, (byte)'x', 0, 0] })
        {
            using var server = new StandIn([StandIn.Welcome, [.. StandIn.Message('D', row), .. StandIn.Ready]], stays: true);
            using var connection = WireConnection.Open(server.Settings, CancellationToken.None);

            Assert.Throws<DataFormatException>(() => connection.Query("SELECT"));
        }
    }

    [Fact]
    public void Describe_ColumnsThatLie_AreRefused()
    {
        byte[] good = [0, 1, (byte)'a', 0, .. new byte[18]];
        for (var length = 0; length < good.Length; length++)
        {
            using var server = new StandIn([StandIn.Welcome, [.. StandIn.Message('T', good.AsSpan(0, length)), .. StandIn.Ready]], stays: true);
            using var connection = WireConnection.Open(server.Settings, CancellationToken.None);

            Assert.Throws<DataFormatException>(() => connection.Describe("SELECT"));
        }
    }

    [Fact]
    public void Ask_ValuesThatAreNotWhatWasAskedFor_AreRefused()
    {
        byte[] answer = [.. StandIn.Message('1', []), .. StandIn.Message('2', []),
            .. StandIn.Message('D', [0, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 2, .. "no"u8]),
            .. StandIn.Message('C', "SELECT 1\0"u8), .. StandIn.Ready];
        using var server = new StandIn([StandIn.Welcome, answer], stays: true);
        using var connection = WireConnection.Open(server.Settings, CancellationToken.None);

        var row = Assert.Single(connection.Ask("SELECT"));

        Assert.True(row.IsNull(0));
        Assert.Equal("no", row.Text(1));
        foreach (var column in (int[])[0, 1, 2])
            foreach (var read in (Action[])[
                () => row.Bool(column), () => row.Char(column), () => row.Int64(column), () => row.Int32(column), () => row.Oid(column)])
                Assert.Throws<DataFormatException>(read);
        Assert.Throws<DataFormatException>(() => row.Text(0));
        Assert.Throws<DataFormatException>(() => row.IsNull(2));
    }

    [Theory]
    [InlineData("15.4 (Debian 15.4-1)", 15)]
    [InlineData("18beta1", 18)]
    [InlineData("9.6.24", 9)]
    [InlineData("nonsense", 0)]
    [InlineData("", 0)]
    public void Open_AnyVersion_IsTold(string version, int major)
    {
        using var server = new StandIn([[.. StandIn.Message('R', [0, 0, 0, 0]), .. StandIn.Version(version), .. StandIn.Ready]], stays: true);
        using var connection = WireConnection.Open(server.Settings, CancellationToken.None);

        Assert.Equal((version, major), (connection.Version, connection.MajorVersion));
    }

    [Fact]
    public async Task Discover_ServerThatIsTooOld_IsRefused()
    {
        using var server = new StandIn([[.. StandIn.Message('R', [0, 0, 0, 0]), .. StandIn.Version("11.22"), .. StandIn.Ready], StandIn.Ready], stays: true);
        await using var run = new SourceRun([("host", "127.0.0.1"), ("port", $"{server.Settings.Port}"), ("user", "nebula"), ("ssl_mode", "disable")]);

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.Source.DiscoverAsync(new DiscoverRequest(), CancellationToken.None));

        Assert.Contains("PostgreSQL 11.22. Version 12 or newer is needed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Query_ErrorWithoutAnything_IsAnErrorStill()
    {
        foreach (byte[] content in new byte[][] { [], [0], "C"u8.ToArray(), "Mcut off"u8.ToArray(), "CXX\0Pmany\0\0"u8.ToArray() })
        {
            using var server = new StandIn([StandIn.Welcome, StandIn.Message('E', content)], stays: true);
            using var connection = WireConnection.Open(server.Settings, CancellationToken.None);

            Assert.Equal("XX000", Assert.Throws<PostgresException>(() => connection.Query("SELECT")).SqlState);
        }
    }

    [Theory]
    [InlineData("db:5432:shop:reader:right", "right")]
    [InlineData("# db:5432:shop:reader:no\nother:5432:shop:reader:no\ndb:*:*:reader:right\n*:*:*:*:late", "right")]
    [InlineData(@"*:*:*:*:a\:b\\c\d", @"a:b\c\d")]
    [InlineData("db:5433:shop:reader:no\nnonsense\n\n*:*:*", null)]
    public void Find_LinesOfAPasswordFile_GivesTheFirstThatFits(string lines, string? password) =>
        Assert.Equal(password, PasswordFile.Find(lines.Split('\n'), new WireSettings("db", 5432, "shop", "reader")));

    private static void ReadAll(LogStream stream, List<byte[]> read)
    {
        while (true)
        {
            stream.Wait();
            while (stream.TryTake(out var message))
                if (!message.IsEmpty)
                    read.Add(message.ToArray());
        }
    }

    private static byte[] Row(Random random, int length)
    {
        var row = new byte[length];
        random.NextBytes(row);
        return row;
    }

    private static byte[] Number(ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }
}
