using System.Globalization;
using System.Text;
using System.Text.Json;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Json;
using Nebula.Engine.Formats.Json.Reading;
using Nebula.Engine.Formats.Json.Writing;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Json;

public sealed class JsonPropertyTests
{
    public static TheoryData<int> Levels => [.. Simd.Available.Select(static level => (int)level)];

    [Theory, MemberData(nameof(Levels))]
    public void WriteThenRead_AnyTypes_GivesTheSameRows(int level)
    {
        const int Seed = 9_001;
        for (var round = 0; round < 150; round++)
        {
            var random = new Random(Seed + round);
            using var pool = new BufferPool();
            var schema = new Schema(Enumerable.Range(0, random.Next(1, 8)).Select(i => new Field(RandomJson.Key(random) + i, RandomType(random, 0))));
            object?[][] rows = [.. Enumerable.Range(0, random.Next(200)).Select(_ => schema.Fields.Select(field => RandomValue(random, field.Type)).ToArray())];
            var read = new List<object?[]>();
            var format = new JsonFormat((SimdLevel)level);
            var isArray = random.Next(2) == 0;
            using (var batch = TestColumns.Batch(pool, schema, rows))
            using (var encoded = new JsonEncoder(schema, isArray, omitNulls: false, pool, (SimdLevel)level).Encode(batch))
            {
                byte[] content = [.. isArray ? "["u8 : [], .. encoded.Buffer.Content, .. isArray ? "]"u8 : []];
                var buffer = pool.Rent(content.Length);
                content.CopyTo(buffer.Span);
                buffer.Length = content.Length;
                using var block = new RawBlock(buffer, new SourcePosition("x", 0));
                var plan = new StreamPlan
                {
                    Stream = new CatalogStream("x", schema) { Details = new Dictionary<string, string> { ["layout"] = isArray ? "array" : "lines" } },
                    Columns = [.. schema.Fields.Select(static field => new PlannedColumn(field.Name, field) { TypeIsFixed = true })],
                    Object = "",
                    RunId = "",
                }.Build();
                format.CreateDecoder(plan, pool).Decode(block, new RowSink(read, round));
            }
            Assert.Equal(0, pool.Outstanding);
            Assert.True(rows.Length == read.Count, $"seed {Seed}, round {round}: {rows.Length} rows written, {read.Count} read");
            for (var i = 0; i < rows.Length; i++)
                Assert.True(Same(rows[i], read[i]), $"seed {Seed}, round {round}, row {i}: {schema}\n"
                    + $"{JsonSerializer.Serialize(rows[i].Select(Show))}\n{JsonSerializer.Serialize(read[i].Select(Show))}");
        }
    }

    [Theory, MemberData(nameof(Levels))]
    public void Read_GeneratedDocuments_AgreesWithTheRuntime(int level)
    {
        const int Seed = 4_242;
        for (var round = 0; round < 400; round++)
        {
            var random = new Random(Seed + round);
            var documents = Enumerable.Range(0, random.Next(1, 30)).Select(_ => RandomJson.Document(random, 0)).ToArray();
            var content = "[" + string.Join(",", documents) + "]";
            var options = new Dictionary<string, string> { ["layout"] = "array", ["records"] = "values" };
            var file = new JsonFile { Level = (SimdLevel)level, Step = random.Next(1, 400), Options = options }.Run(content);
            var lines = file.Lines.ToString().Split('\n')[..^1];
            Assert.True(documents.Length == lines.Length && file.Rejected.Count == 0,
                $"seed {Seed}, round {round}: {content} {file.Rejected.FirstOrDefault()}");
            for (var i = 0; i < lines.Length; i++)
            {
                using var expected = JsonDocument.Parse($"{{\"value\":{documents[i]}}}");
                using var actual = JsonDocument.Parse(lines[i]);
                Assert.True(JsonValues.Same(expected.RootElement, actual.RootElement),
                    $"seed {Seed}, round {round}, row {i}: {file.Schema}\n{documents[i]}\n{lines[i]}");
            }
        }
    }

    [Theory, MemberData(nameof(Levels))]
    public void Read_MutatedDocuments_AreAcceptedWhereTheRuntimeAcceptsThem(int level)
    {
        const int Seed = 31_337;
        byte[] alphabet = [.. "{}[]:,\"\\ \n\t\r-+.eE0129tfnulr/xd"u8, 0, 0x1F, 0x7F, 0x80, 0xC3, 0xE0, 0xF0, 0xFF];
        for (var round = 0; round < 4_000; round++)
        {
            var random = new Random(Seed + round);
            var document = Encoding.UTF8.GetBytes(RandomJson.Document(random, 0)).ToList();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var at = random.Next(document.Count + 1);
                switch (random.Next(4))
                {
                    case 0: document.Insert(at, alphabet[random.Next(alphabet.Length)]); break;
                    case 1 when at < document.Count: document.RemoveAt(at); break;
                    case 2 when at < document.Count: document[at] = alphabet[random.Next(alphabet.Length)]; break;
                    case 3: document.InsertRange(at, document.Skip(random.Next(document.Count)).Take(random.Next(20)).ToArray()); break;
                }
            }
            byte[] content = [(byte)'[', .. document, (byte)']'];
            var expected = IsValid(content);
            var actual = TryRead(content, (SimdLevel)level, random.Next(2) == 0 ? 1 << 20 : random.Next(1, 50), out var reason);
            Assert.True(expected == actual, $"seed {Seed}, round {round}: {Encoding.UTF8.GetString(content)}\nruntime: {expected}, here: {actual} {reason}");
        }
    }

    [Theory, MemberData(nameof(Levels))]
    public void Read_HostileLines_NeitherCrashesNorLosesTheRest(int level)
    {
        const int Seed = 555;
        byte[] alphabet = [.. "{}[]:,\"\\ \t-.e019tfnula\u0001"u8, 0xC3, 0xA9];
        for (var round = 0; round < 1_500; round++)
        {
            var random = new Random(Seed + round);
            var lines = Enumerable.Range(0, random.Next(1, 12)).Select(i =>
            {
                var line = Encoding.UTF8.GetBytes($"{{\"id\":{i},\"s\":\"{new string('x', random.Next(70))}\",\"o\":{{\"k\":[1,2.5]}}}}");
                var isBroken = i > 0 && random.Next(3) == 0;
                if (isBroken)
                    for (var n = random.Next(1, 6); n > 0; n--)
                        line[random.Next(line.Length)] = alphabet[random.Next(alphabet.Length)];
                return (Line: line, IsBroken: isBroken);
            }).ToArray();
            byte[] content = [.. lines.SelectMany(static line => line.Line.Append((byte)'\n'))];
            var file = new JsonFile { Level = (SimdLevel)level, Step = random.Next(1, 300), Options = { ["layout"] = "lines" } }.Run(content);
            Assert.True(file.Rows.Count >= lines.Count(static line => !line.IsBroken), $"seed {Seed}, round {round}: {Encoding.UTF8.GetString(content)}");
            Assert.Equal(lines.Count(static line => line.Line.AsSpan().IndexOfAnyExcept(" \t"u8) >= 0), file.Rows.Count + file.Rejected.Count);
        }
    }

    [Theory, MemberData(nameof(Levels))]
    public void Read_AnyBytesInAnyLayout_EndsInRowsOrAClearError(int level)
    {
        const int Seed = 777;
        byte[] alphabet = [.. "{}[]:,\"\\ \n\t\r-+.eE0129tfnulr/xd"u8, 0, 0x1F, 0x80, 0xC3, 0xEF, 0xBB, 0xBF, 0xFF];
        string[] layouts = ["lines", "array", "documents"];
        for (var round = 0; round < 3_000; round++)
        {
            var random = new Random(Seed + round);
            var content = new byte[random.Next(300)];
            for (var i = 0; i < content.Length; i++)
                content[i] = random.Next(5) == 0 ? (byte)"{}[]\""[random.Next(5)] : alphabet[random.Next(alphabet.Length)];
            var options = new Dictionary<string, string>();
            if (random.Next(2) == 0)
                options["layout"] = layouts[random.Next(3)];
            if (random.Next(2) == 0)
                options["records"] = random.Next(2) == 0 ? "values" : "objects";
            try
            {
                new JsonFile { Level = (SimdLevel)level, Step = random.Next(1, 100), Options = options, InferTypes = random.Next(2) == 0 }.Run(content);
            }
            catch (DataFormatException)
            {
            }
        }
    }

    [Theory, MemberData(nameof(Levels))]
    public unsafe void Split_AnyBytes_AgreesWithTheScalarScanner(int level)
    {
        const int Seed = 12;
        for (var round = 0; round < 2_000; round++)
        {
            var random = new Random(Seed + round);
            var content = new byte[random.Next(400)];
            for (var i = 0; i < content.Length; i++)
                content[i] = (byte)"{}[],\"\\\\\\ab:"[random.Next(12)];
            var padded = new byte[content.Length + 128];
            content.CopyTo(padded, 0);
            foreach (var mode in Enum.GetValues<StructureMode>())
            {
                var scanner = new StructureScanner(mode, (SimdLevel)level);
                var twin = new StructureScanner(mode, SimdLevel.Scalar);
                fixed (byte* p = padded)
                {
                    twin.Scan(p, content.Length);
                    for (var length = random.Next(70); length < content.Length; length += random.Next(1, 90))
                        scanner.Scan(p, length);
                    scanner.Scan(p, content.Length);
                }
                Assert.True((twin.FirstBoundary, twin.LastBoundary, twin.EndOfArray) == (scanner.FirstBoundary, scanner.LastBoundary, scanner.EndOfArray),
                    $"seed {Seed}, round {round}: {Encoding.UTF8.GetString(content)}");
            }
        }
    }

    [Fact]
    public unsafe void Split_RecordThatComesInPieces_IsNotScannedAgainFromItsStart()
    {
        var content = Encoding.UTF8.GetBytes("{\"a\":\"" + new string('x', 100_000) + "\"},1]" + new string(' ', 128));
        var scanner = new StructureScanner(StructureMode.Elements, Simd.Level);
        fixed (byte* p = content)
        {
            for (var length = 1; length < 100_000; length += 37)
            {
                scanner.Scan(p, length);
                Assert.InRange(scanner.Scanned, length - 63, length);
                Assert.Equal(0, scanner.LastBoundary);
            }
            scanner.Scan(p, content.Length - 128);
        }
        Assert.Equal((100_008, 100_010), (scanner.LastBoundary, scanner.EndOfArray));
    }

    [Theory, MemberData(nameof(Levels))]
    public unsafe void StringKernel_AnyBytes_AgreesWithTheScalarOne(int level)
    {
        var random = new Random(3);
        var bytes = new byte[256];
        var target = new byte[256];
        for (var round = 0; round < 2_000; round++)
        {
            random.NextBytes(bytes);
            fixed (byte* p = bytes, t = target)
                for (var at = 0; at < 128; at += 8)
                {
                    var (mask, copied, end, width) = (SimdLevel)level switch
                    {
                        SimdLevel.Vector512 => (StringKernel512.Find(p + at), StringKernel512.Copy(t, p + at), StringKernel512.FindEnd(p + at), 64),
                        SimdLevel.Vector256 => (StringKernel256.Find(p + at), StringKernel256.Copy(t, p + at), StringKernel256.FindEnd(p + at), 32),
                        SimdLevel.Vector128 => (StringKernel128.Find(p + at), StringKernel128.Copy(t, p + at), StringKernel128.FindEnd(p + at), 16),
                        _ => (ScalarStringKernel.Find(p + at), ScalarStringKernel.Copy(t, p + at), ScalarStringKernel.FindEnd(p + at), 8),
                    };
                    ulong noDigits = 0;
                    for (var i = 0; i < width; i++)
                        noDigits |= char.IsAsciiDigit((char)bytes[at + i]) ? 0 : 1UL << i;
                    Assert.Equal(noDigits, FindNoDigits((SimdLevel)level, p + at));
                    var length = random.Next(1, 100);
                    Assert.Equal(bytes.AsSpan(at, length).SequenceEqual(target.AsSpan(128, length)), StartsWith((SimdLevel)level, p + at, t + 128, length));
                    bytes.AsSpan(at, length).CopyTo(target.AsSpan(128));
                    Assert.True(StartsWith((SimdLevel)level, p + at, t + 128, length));
                    ulong ends = 0;
                    for (var i = 0; i < Math.Min(width, 32); i++)
                        ends |= bytes[at + i] is <= 0x20 or (byte)',' or (byte)']' or (byte)'}' ? 1UL << i : 0;
                    Assert.Equal(ends, end);
                    ulong expected = 0;
                    for (var i = 0; i < width; i++)
                        expected |= bytes[at + i] is < 0x20 or (byte)'"' or (byte)'\\' ? 1UL << i : 0;
                    Assert.Equal((expected, expected), (mask, copied));
                    Assert.Equal(bytes.AsSpan(at, width), target.AsSpan(0, width));
                }
        }
    }

    [Theory, MemberData(nameof(Levels))]
    public unsafe void IsPlainNumber_AnyToken_AgreesWithTheGrammar(int level)
    {
        const int Seed = 20_261_122;
        var random = new Random(Seed);
        var width = level == 0 ? 8 : level / 8;
        string[] pieces = ["0", "1", "9", "00", "-", ".", "e", "E5", "+", "12345678", "x", "\"", "-0", "0.5"];
        for (var round = 0; round < 50_000; round++)
        {
            var token = string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => pieces[random.Next(pieces.Length)]));
            var digits = token.StartsWith('-') ? token.Length - 1 : token.Length;
            var isNumber = System.Text.RegularExpressions.Regex.IsMatch(token, @"^-?(0|[1-9][0-9]*)(\.[0-9]+)?\z");
            var known = Text.PaddedText.Parse(token, (p, length) => (SimdLevel)level switch
            {
                SimdLevel.Vector512 => JsonLexer<StringKernel512>.IsPlainNumber(p, length),
                SimdLevel.Vector256 => JsonLexer<StringKernel256>.IsPlainNumber(p, length),
                SimdLevel.Vector128 => JsonLexer<StringKernel128>.IsPlainNumber(p, length),
                _ => JsonLexer<ScalarStringKernel>.IsPlainNumber(p, length),
            });
            Assert.True(known == (isNumber && digits <= width), $"seed {Seed}, round {round}: '{token}' is {(known ? "" : "not ")}known as a number");
        }
    }

    private static unsafe ulong FindNoDigits(SimdLevel level, byte* source) => level switch
    {
        SimdLevel.Vector512 => StringKernel512.FindNoDigits(source),
        SimdLevel.Vector256 => StringKernel256.FindNoDigits(source),
        SimdLevel.Vector128 => StringKernel128.FindNoDigits(source),
        _ => ScalarStringKernel.FindNoDigits(source),
    };

    private static unsafe bool StartsWith(SimdLevel level, byte* source, byte* expected, int length) => level switch
    {
        SimdLevel.Vector512 => StringKernel512.StartsWith(source, expected, length),
        SimdLevel.Vector256 => StringKernel256.StartsWith(source, expected, length),
        SimdLevel.Vector128 => StringKernel128.StartsWith(source, expected, length),
        _ => ScalarStringKernel.StartsWith(source, expected, length),
    };

    private static bool IsValid(byte[] content)
    {
        if (!System.Text.Unicode.Utf8.IsValid(content))
            return false;
        try
        {
            var reader = new Utf8JsonReader(content, new JsonReaderOptions { MaxDepth = 513 });
            while (reader.Read())
            {
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryRead(byte[] content, SimdLevel level, int step, out string reason)
    {
        try
        {
            // kept as JSON, so that halves of surrogate pairs pass as they do in the runtime
            var options = new Dictionary<string, string> { ["layout"] = "array", ["records"] = "values" };
            var file = new JsonFile { Level = level, Step = step, Options = options, Types = { ["value"] = DataType.Json } }.Run(content);
            reason = file.Rejected.FirstOrDefault()?.Reason ?? "";
            return file.Rejected.Count == 0;
        }
        catch (DataFormatException e)
        {
            reason = e.Message;
            return false;
        }
    }

    private static DataType RandomType(Random random, int depth)
    {
        string[] scalars =
        [
            "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
            "decimal(9,2)", "decimal(18,0)", "decimal(38,10)", "date", "time", "time(ns)", "timestamp", "timestamp(UTC)", "timestamp(ns)",
                "timestamp(ns, UTC)", "string", "binary", "uuid", "json",
        ];
        string[] keys = ["string", "int64", "date", "uuid", "decimal(9,2)", "bool"];
        return (depth < 3 ? random.Next(8) : 7) switch
        {
            0 => DataType.List(RandomType(random, depth + 1)),
            1 => DataType.Struct([.. Enumerable.Range(0, random.Next(1, 5)).Select(i => new Field(RandomJson.Key(random) + i, RandomType(random, depth + 1)))]),
            2 => DataType.Map(DataType.Parse(keys[random.Next(keys.Length)])!, RandomType(random, depth + 1)),
            _ => DataType.Parse(scalars[random.Next(scalars.Length)])!,
        };
    }

    private static object? RandomValue(Random random, DataType type, bool nullable = true)
    {
        if (nullable && random.Next(6) == 0)
            return null;
        var raw = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
        return type.Kind switch
        {
            TypeKind.Bool => random.Next(2) == 0,
            TypeKind.Int8 => (long)(sbyte)raw,
            TypeKind.Int16 => (long)(short)raw,
            TypeKind.Int32 => (long)(int)raw,
            TypeKind.Int64 => raw,
            TypeKind.UInt8 => (long)(byte)raw,
            TypeKind.UInt16 => (long)(ushort)raw,
            TypeKind.UInt32 => (long)(uint)raw,
            TypeKind.UInt64 => (Int128)(ulong)raw,
            TypeKind.Float32 when random.Next(4) == 0 => (double)(raw / 4f),
            TypeKind.Float32 => (double)BitConverter.Int32BitsToSingle((int)raw),
            TypeKind.Float64 when random.Next(3) == 0 => raw / 100.0,
            TypeKind.Float64 => BitConverter.Int64BitsToDouble(raw),
            TypeKind.Decimal when type.ByteWidth == 8 => raw % (long)Math.Pow(10, type.Precision),
            TypeKind.Decimal => (Int128)raw * random.NextInt64(1, 1L << 58),
            TypeKind.Date => (long)random.Next(-719_528, 2_932_896),
            TypeKind.Time => random.NextInt64(0, type.Unit == TimeUnit.Nanosecond ? 86_400_000_000_000 : 86_400_000_000) / (long)Math.Pow(10, random.Next(7)),
            TypeKind.Timestamp when type.Unit == TimeUnit.Nanosecond => raw,
            TypeKind.Timestamp => random.NextInt64(-62_167_219_200_000_000, 253_402_300_800_000_000) / 1000 * random.Next(1, 2),
            TypeKind.Uuid => new UInt128((ulong)raw, (ulong)random.NextInt64()),
            TypeKind.Binary => Enumerable.Range(0, random.Next(50)).Select(_ => (byte)random.Next(256)).ToArray(),
            TypeKind.Json => RandomJson.Document(random, 1, blanks: false) is var text && text == "null" ? "[]" : text,
            TypeKind.List => Enumerable.Range(0, random.Next(5)).Select(_ => RandomValue(random, type.Fields[0].Type)).ToArray(),
            TypeKind.Struct => type.Fields.Select(field => RandomValue(random, field.Type)).ToArray(),
            TypeKind.Map => Enumerable.Range(0, random.Next(4))
                .Select(_ => (RandomValue(random, type.Fields[0].Type, nullable: false)!, RandomValue(random, type.Fields[1].Type))).ToArray(),
            _ => JsonEncoderTests.RandomText(random, random.Next(random.Next(10) == 0 ? 300 : 20)),
        };
    }

    private static bool Same(object? a, object? b) => (a, b) switch
    {
        (null, null) => true,
        (null, _) or (_, null) => false,
        (byte[] x, byte[] y) => x.AsSpan().SequenceEqual(y),
        (object?[] x, object?[] y) => x.Length == y.Length && x.Zip(y).All(static pair => Same(pair.First, pair.Second)),
        ((object, object?)[] x, (object, object?)[] y) =>
            x.Length == y.Length && x.Zip(y).All(static pair => Same(pair.First.Item1, pair.Second.Item1) && Same(pair.First.Item2, pair.Second.Item2)),
        _ => a.Equals(b),
    };

    private static string? Show(object? value) => value is object?[] list ? "[" + string.Join(", ", list.Select(Show)) + "]" : value?.ToString();

    private sealed class RowSink(List<object?[]> rows, int round) : IDecodeSink
    {
        public void Add(RecordBatch batch)
        {
            using (batch)
            {
                foreach (var column in batch.Columns)
                    TestColumns.AssertConsistent(column, batch.Length);
                for (var i = 0; i < batch.Length; i++)
                    rows.Add([.. batch.Columns.Select(column => TestColumns.Read(column, i))]);
            }
        }

        public void Reject(RejectedRow row) => Assert.Fail($"round {round}: {row.Location}: {row.Reason} {Encoding.UTF8.GetString(row.Raw.Span)}");

        public void Lines(long count)
        {
        }
    }
}

/// <summary>Makes documents at random, as text.</summary>
internal static class RandomJson
{
    private static readonly string[] Numbers = ["0", "-0", "1e5", "1E-7", "0.10", "12345678901234567890", "-0.0", "1.7976931348623157e308"];

    private static readonly string[] TimeForms = ["yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-ddTHH:mm:ssZ"];

    public static string Key(Random random) => random.Next(10) switch
    {
        0 => "",
        1 => "ключ",
        2 => new string('k', random.Next(80)),
        3 => "q\"\\\n",
        _ => ((string[])["id", "name", "a", "b", "long_name_of_a_key", "x.y"])[random.Next(6)],
    };

    public static string Document(Random random, int depth, bool blanks = true)
    {
        var text = new StringBuilder();
        Write(text, random, depth, blanks);
        return text.ToString();
    }

    private static void Write(StringBuilder text, Random random, int depth, bool blanks)
    {
        switch (random.Next(depth < 4 ? 12 : 9))
        {
            case 0: text.Append("null"); break;
            case 1: text.Append(random.Next(2) == 0 ? "true" : "false"); break;
            case 2: text.Append(random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64)); break;
            case 3: text.Append((random.NextDouble() * Math.Pow(10, random.Next(-20, 20))).ToString("R", CultureInfo.InvariantCulture)); break;
            case 4: text.Append(Numbers[random.Next(Numbers.Length)]); break;
            case 5 or 6 or 7: WriteString(text, random); break;
            case 8:
                var instant = DateTime.UnixEpoch.AddSeconds(random.Next());
                text.Append('"').Append(instant.ToString(TimeForms[random.Next(TimeForms.Length)], CultureInfo.InvariantCulture)).Append('"');
                break;
            case 9:
                text.Append('[');
                for (int i = 0, n = random.Next(5); i < n; i++)
                {
                    if (i > 0)
                        text.Append(',');
                    Blanks(text, random, blanks);
                    Write(text, random, depth + 1, blanks);
                    Blanks(text, random, blanks);
                }
                text.Append(']');
                break;
            default:
                text.Append('{');
                for (int i = 0, n = random.Next(5); i < n; i++)
                {
                    if (i > 0)
                        text.Append(',');
                    Blanks(text, random, blanks);
                    text.Append(JsonSerializer.Serialize(Key(random)));
                    Blanks(text, random, blanks);
                    text.Append(':');
                    Blanks(text, random, blanks);
                    Write(text, random, depth + 1, blanks);
                    Blanks(text, random, blanks);
                }
                text.Append('}');
                break;
        }
    }

    private static void WriteString(StringBuilder text, Random random)
    {
        text.Append('"');
        for (var i = random.Next(random.Next(8) == 0 ? 200 : 12); i > 0; i--)
            text.Append(random.Next(16) switch
            {
                0 => "\\n",
                1 => "\\\"",
                2 => "\\u00e9",
                3 => "\\ud83d\\ude00",
                4 => "é",
                5 => "😀",
                6 => "{",
                7 => "],",
                8 => "\\\\",
                _ => "abc",
            });
        text.Append('"');
    }

    private static void Blanks(StringBuilder text, Random random, bool blanks)
    {
        if (blanks && random.Next(4) == 0)
            text.Append(((string[])[" ", "\n", "\t", "  \r\n"])[random.Next(4)]);
    }
}
