using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Csv.Scanning;

namespace Nebula.Engine.Tests.Formats.Csv;

/// <summary>Every scanner gives the answers of the scalar one; the scalar one is held against field ends that were written down by hand.</summary>
public sealed unsafe class CsvScannerTests
{
    private const int Slack = 128;
    private static readonly CsvScanDialect Rfc4180 = new((byte)',', (byte)'\n', (byte)'"', (byte)'"', 0);

    private static readonly CsvScanDialect[] Dialects =
    [
        Rfc4180,
        Rfc4180 with { NewLine = (byte)'\r' },
        Rfc4180 with { Quote = (byte)'\n', Escape = (byte)'\n' },
        Rfc4180 with { Quote = (byte)'\'', Escape = (byte)'\'' },
        Rfc4180 with { Escape = (byte)'\\' },
        Rfc4180 with { Comment = (byte)'#' },
        Rfc4180 with { Delimiter = (byte)'\t', Comment = (byte)'#', Escape = (byte)'\\' },
    ];

    public static TheoryData<string> Scanners => [.. CsvScanners.Available.Select(static scanner => scanner.Name)];

    [Theory]
    [InlineData("", "")]
    [InlineData("a", "")]
    [InlineData("a,b\nc", "1 3")]
    [InlineData("\"a,b\",c\n", "5 7")]
    [InlineData("\"a\"\"b\",c\n", "6 8")]
    [InlineData("\"a\nb\"\n", "5")]
    [InlineData("a\"b,\"c\n", "3")]
    [InlineData("a\"b,c\"\n", "3 6")]
    [InlineData("\"a\"b,c\n", "4 6")]
    [InlineData("\"\",\"\"\r\n", "2 6")]
    [InlineData("\"a\"\"\nb\"\n", "7")]
    [InlineData("\"a\" ,b\n", "4 6")]
    [InlineData("\"a\"b\"c,d\n", "6 8")]
    [InlineData("\"a\"\r\"b,c\"\n", "6 9")]
    public void Scan_WrittenByHand_GivesTheEnds(string text, string expected)
    {
        foreach (var scanner in CsvScanners.Available)
        {
            var input = new Input(Encoding.ASCII.GetBytes(text));
            Assert.Equal(expected, string.Join(' ', input.Scan(scanner, Rfc4180, room: 1000).Ends));
        }
    }

    [Theory]
    [InlineData("\"a\\\"b\",c\n", "6 8")]
    [InlineData("\"a\\\\\",c\n", "5 7")]
    [InlineData("\"a\"\"b,c\n", "5 7")]
    [InlineData("a\\,b\n", "2 4")]
    public void Scan_BackslashEscapes_GivesTheEnds(string text, string expected)
    {
        foreach (var scanner in CsvScanners.Available)
            Assert.Equal(expected, string.Join(' ', new Input(Encoding.ASCII.GetBytes(text)).Scan(scanner, Rfc4180 with { Escape = (byte)'\\' },
                room: 1000).Ends));
    }

    [Theory]
    [InlineData("# it's \"open, \na,b\n", "14 16 18")]
    [InlineData("a,#b\n#c", "1 4")]
    [InlineData("\"#\n\",b\n", "4 6")]
    public void Scan_Comments_HideWhatIsInThem(string text, string expected)
    {
        foreach (var scanner in CsvScanners.Available)
            Assert.Equal(expected, string.Join(' ', new Input(Encoding.ASCII.GetBytes(text)).Scan(scanner, Rfc4180 with { Comment = (byte)'#' },
                room: 1000).Ends));
    }

    [Theory, MemberData(nameof(Scanners))]
    public void Scan_AnyBytesOfEveryLength_AgreesWithScalar(string name)
    {
        var scanner = Find(name);
        const int seed = 20240611;
        var random = new Random(seed);
        for (var length = 0; length <= 300; length++)
            foreach (var dialect in Dialects)
                for (var round = 0; round < 6; round++)
                {
                    var input = new Input(RandomBytes(random, length, dialect, round));
                    AssertSame(input, scanner, dialect, room: 1000, $"seed {seed}, length {length}, {dialect}");
                }
    }

    [Theory, MemberData(nameof(Scanners))]
    public void Scan_EveryRoom_AgreesWithScalar(string name)
    {
        var scanner = Find(name);
        const int seed = 7;
        var random = new Random(seed);
        for (var round = 0; round < 60; round++)
            foreach (var dialect in Dialects)
            {
                var input = new Input(RandomBytes(random, random.Next(1, 300), dialect, round));
                for (var room = 1; room <= 70; room += room < 8 ? 1 : 9)
                    AssertSame(input, scanner, dialect, room, $"seed {seed}, round {round}, room {room}, {dialect}");
            }
    }

    /// <summary>The bytes come in two portions, cut at every position: what the first call remembers must be enough.</summary>
    [Theory, MemberData(nameof(Scanners))]
    public void Scan_CutAnywhere_AgreesWithScalar(string name)
    {
        var scanner = Find(name);
        const int seed = 99;
        var random = new Random(seed);
        for (var round = 0; round < 25; round++)
            foreach (var dialect in Dialects)
            {
                var input = new Input(RandomBytes(random, random.Next(60, 200), dialect, round));
                var expected = input.Scan(Find("scalar"), dialect, 1000);
                for (var cut = 0; cut <= input.Length; cut++)
                {
                    var state = default(CsvScanState);
                    var first = input.ScanUpTo(scanner, dialect, cut, ref state);
                    var second = input.ScanUpTo(scanner, dialect, input.Length, ref state);
                    Assert.True(expected.Ends.SequenceEqual([.. first, .. second]), $"seed {seed}, round {round}, cut {cut}, {dialect}: {input}");
                    Assert.Equal((expected.State.Lines, expected.State.Records, expected.State.Mode), (state.Lines, state.Records, state.Mode));
                }
            }
    }

    [Theory, MemberData(nameof(Scanners))]
    public void FindLastLineEnd_GrowingData_AgreesWithScalar(string name)
    {
        var scanner = Find(name);
        const int seed = 4711;
        var random = new Random(seed);
        for (var round = 0; round < 400; round++)
            foreach (var dialect in Dialects)
            {
                var input = new Input(RandomBytes(random, random.Next(0, 300), dialect, round));
                CsvScanState state = default, scalarState = default;
                for (var end = 0; end < input.Length;)
                {
                    end = Math.Min(input.Length, end + random.Next(1, 150));
                    int last = -1, scalarLast = -1;
                    input.FindLast(scanner, dialect, end, ref state, ref last);
                    input.FindLast(Find("scalar"), dialect, end, ref scalarState, ref scalarLast);
                    var message = $"seed {seed}, round {round}, end {end}, {dialect}: {input}";
                    Assert.True(scalarLast == last, $"{scalarLast} != {last}: {message}");
                    Assert.True((scalarState.Position, scalarState.Mode) == (state.Position, state.Mode), $"{scalarState.Mode} != {state.Mode}: {message}");
                }
            }
    }

    [Theory, MemberData(nameof(Scanners))]
    public void FindLastLineEnd_AnyBytes_IsTheLastRecordEndOfScan(string name)
    {
        var scanner = Find(name);
        const int seed = 5;
        var random = new Random(seed);
        for (var round = 0; round < 500; round++)
            foreach (var dialect in Dialects)
            {
                var bytes = RandomBytes(random, random.Next(0, 300), dialect, round);
                var input = new Input(bytes);
                var state = default(CsvScanState);
                var last = -1;
                input.FindLast(scanner, dialect, input.Length, ref state, ref last);
                var expected = (int?)input.Scan(scanner, dialect,
                    1000).Ends.Where(end => bytes[end] == dialect.NewLine).Select(static end => (int?)end).LastOrDefault() ?? -1;
                Assert.True(expected == last, $"{expected} != {last}: seed {seed}, round {round}, {dialect}: {input}");
            }
    }

    [Theory, MemberData(nameof(Scanners))]
    public void Scan_QuotesAcrossChunkBorders_AgreeWithScalar(string name)
    {
        var scanner = Find(name);
        string[] pieces = ["\"a\"\"b\"", "\"\"", "\"\"\"\"", "\"x,y\"", "\"x\ny\"", "\"a\"\r\n", "\"a\"\r", "a\"b", "\"a\"b"];
        foreach (var piece in pieces)
            for (var lead = 50; lead < 70; lead++)
                foreach (var tail in (string[])["", ",", "\n", ",\"z\"\n", "\r\nq,\"w\"\n" + new string('k', 80)])
                {
                    var input = new Input(Encoding.ASCII.GetBytes(new string('v', lead) + "," + piece + tail));
                    AssertSame(input, scanner, Rfc4180, 1000, $"lead {lead}, piece {piece}");
                }
    }

    private static ICsvScanner Find(string name) => CsvScanners.Available.Single(scanner => scanner.Name == name);

    private static void AssertSame(Input input, ICsvScanner scanner, CsvScanDialect dialect, int room, string message)
    {
        var expected = input.Scan(Find("scalar"), dialect, room);
        var actual = input.Scan(scanner, dialect, room);
        Assert.True(expected.Ends.SequenceEqual(actual.Ends),
            $"{message}: {input}\nexpected {string.Join(' ', expected.Ends)}\nfound {string.Join(' ', actual.Ends)}");
        Assert.True((expected.State.Lines, expected.State.Records, expected.State.Mode) == (actual.State.Lines, actual.State.Records, actual.State.Mode),
            $"{message}: {input}");
    }

    /// <summary>Few different bytes, so that everything meets everything; the rounds differ in how many of them are special.</summary>
    private static byte[] RandomBytes(Random random, int length, in CsvScanDialect dialect, int round)
    {
        byte[] special = [dialect.Delimiter, dialect.NewLine, dialect.HasQuotes ? dialect.Quote : (byte)'"', (byte)'\r', (byte)'\n', dialect.Escape,
            dialect.Comment == 0 ? (byte)'#' : dialect.Comment];
        var bytes = new byte[length];
        var share = round % 3 == 0 ? 0.9 : round % 3 == 1 ? 0.4 : 0.08;
        for (var i = 0; i < length; i++)
            bytes[i] = random.NextDouble() < share ? special[random.Next(special.Length)] : (byte)('a' + random.Next(4));
        if (round % 2 == 1)
            WellFormed(random, bytes, dialect);
        return bytes;
    }

    /// <summary>Overwrites the bytes with fields that are quoted by the book, so that the vector path is not left at once.</summary>
    private static void WellFormed(Random random, Span<byte> bytes, in CsvScanDialect dialect)
    {
        var text = new List<byte>();
        while (text.Count < bytes.Length)
        {
            var quoted = dialect.HasQuotes && random.Next(2) == 0;
            if (quoted)
                text.Add(dialect.Quote);
            for (var n = random.Next(12); n > 0; n--)
                switch (quoted ? random.Next(6) : 5)
                {
                    case 0: text.Add(dialect.Delimiter); break;
                    case 1: text.Add(dialect.NewLine); break;
                    case 2: text.Add(dialect.Escape); text.Add(dialect.Quote); break;
                    default: text.Add((byte)('a' + random.Next(4))); break;
                }
            if (quoted)
                text.Add(dialect.Quote);
            if (random.Next(4) == 0 && dialect.NewLine == '\n')
                text.AddRange("\r\n"u8);
            else
                text.Add(random.Next(3) == 0 ? dialect.NewLine : dialect.Delimiter);
        }
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = text[i];
    }

    /// <summary>Bytes with garbage behind them that must not matter.</summary>
    private sealed class Input
    {
        private readonly byte[] _padded;

        public Input(byte[] bytes)
        {
            Length = bytes.Length;
            _padded = new byte[bytes.Length + BufferPool.Padding];
            _padded.AsSpan().Fill((byte)'"');
            _padded.AsSpan(Length + 1).Fill((byte)'\n');
            bytes.CopyTo(_padded, 0);
        }

        public int Length { get; }

        public (List<int> Ends, CsvScanState State) Scan(ICsvScanner scanner, in CsvScanDialect dialect, int room)
        {
            var state = default(CsvScanState);
            var all = new List<int>();
            while (state.Position < Length)
            {
                var before = state.Position;
                all.AddRange(Call(scanner, dialect, Length, room, ref state));
                Assert.True(state.Position > before, "the scanner stands still");
            }
            Assert.Equal(Length, state.Position);
            return (all, state);
        }

        public List<int> ScanUpTo(ICsvScanner scanner, in CsvScanDialect dialect, int end, ref CsvScanState state)
        {
            var all = new List<int>();
            while (state.Position < end)
                all.AddRange(Call(scanner, dialect, end, 1000, ref state));
            return all;
        }

        public void FindLast(ICsvScanner scanner, in CsvScanDialect dialect, int end, ref CsvScanState state, ref int last)
        {
            fixed (byte* p = _padded)
                scanner.FindLastLineEnd(p, end, dialect, ref state, ref last);
        }

        public override string ToString() => Encoding.ASCII.GetString(_padded, 0, Length).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r",
            StringComparison.Ordinal);

        private List<int> Call(ICsvScanner scanner, in CsvScanDialect dialect, int length, int room, ref CsvScanState state)
        {
            var ends = new uint[room + Slack];
            int count;
            fixed (byte* p = _padded)
            fixed (uint* e = ends)
                count = scanner.Scan(p, length, dialect, ref state, e, room);
            Assert.InRange(count, 0, room + Slack);
            return [.. ends.Take(count).Select(static end => (int)end)];
        }
    }
}
