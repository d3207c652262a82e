using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Conformance.Tests.Containers;

/// <summary>One file of a suite of binary files.</summary>
/// <param name="Name">Its path in the fixtures.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Verdict">What must happen to a bad file: <c>reject</c>, <c>either</c>, <c>read</c>; empty for a good one.</param>
/// <param name="Note">What other readers said of it.</param>
internal sealed record ContainerUnit(string Name, string Path, string Verdict, string Note)
{
    /// <summary>Whether rows are known to compare with.</summary>
    public bool HasExpectation => File.Exists(Path + ".expected.jsonl");
}

/// <summary>What a file holds, rendered row by row.</summary>
/// <param name="Schema">The columns.</param>
/// <param name="Lines">The rows, without line ends.</param>
internal sealed record ContainerContent(Engine.Schemas.Schema Schema, List<string> Lines);

/// <summary>Reads files of container formats and compares them with what is known about them.</summary>
internal static class ContainerFixtures
{
    /// <summary>The files of a suite that have a row in its index. Empty without fixtures.</summary>
    public static IEnumerable<ContainerUnit> Units(string suite)
    {
        var index = SharedFixtures.Root is { } root ? Path.Combine(root, suite, "INDEX.tsv") : "";
        if (!File.Exists(index))
            return [];
        return File.ReadLines(index).Skip(1).Select(static line => line.Split('\t'))
            .Select(cells => new ContainerUnit(cells[0], Path.Combine(SharedFixtures.Root!, cells[0]), cells[3], cells.Length > 5 ? cells[5] : ""));
    }

    /// <summary>Reads a whole file. Every buffer must have been returned when this ends, in whatever way.</summary>
    /// <param name="format">The format.</param>
    /// <param name="path">The file.</param>
    /// <param name="blockSize">Bytes that a block should have.</param>
    public static ContainerContent Read(IContainerFormat format, string path, int blockSize = 256 << 10) =>
        Read(format, File.ReadAllBytes(path), Path.GetFileName(path), blockSize);

    /// <inheritdoc cref="Read(IContainerFormat,string,int)"/>
    public static ContainerContent Read(IContainerFormat format, byte[] bytes, string name, int blockSize = 256 << 10, int maxRecordSize = 256 << 20,
        OptionValues? options = null)
    {
        using var pool = new BufferPool();
        try
        {
            using var file = format.Open(new MemoryBytes(name, bytes), options ?? new OptionValues(format.Name, format.ReadOptions, []), pool);
            using var reader = file.OpenReader([.. Enumerable.Range(0, file.Schema.Fields.Length)], 0, null,
                new ReadContext(pool, blockSize) { MaxRecordSize = maxRecordSize });
            var sink = new Sink();
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, sink);
            if (file.Rows is { } rows)
                Assert.Equal(rows, sink.Lines.Count);
            return new ContainerContent(file.Schema, sink.Lines);
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
        }
    }

    /// <summary>Compares a file with its expectation; null when it is equal, else what differs.</summary>
    public static string? Compare(ContainerUnit unit, ContainerContent content)
    {
        using var facts = JsonDocument.Parse(File.ReadAllText(unit.Path + ".schema.json"));
        if (facts.RootElement.TryGetProperty("rows", out var rows) && rows.ValueKind == JsonValueKind.Number && rows.GetInt64() != content.Lines.Count)
            return $"{content.Lines.Count} rows where {rows.GetInt64()} are expected";
        var number = 0;
        foreach (var expected in File.ReadLines(unit.Path + ".expected.jsonl"))
        {
            if (number >= content.Lines.Count)
                return $"row {number} is missing: {expected}";
            if (expected != content.Lines[number] && !JsonEqual(expected, content.Lines[number]))
                return $"row {number}\n  expected {Cut(expected)}\n  was      {Cut(content.Lines[number])}";
            number++;
        }
        if (number < content.Lines.Count && facts.RootElement.TryGetProperty("sha256", out var hash) && hash.ValueKind == JsonValueKind.String
            && hash.GetString() != Hash(content.Lines))
            return $"the first {number} rows are equal, the hash over all {content.Lines.Count} is not";
        return null;
    }

    /// <summary>Runs an action that must either succeed or throw a <see cref="NebulaException"/>; anything else is passed on and fails the test.</summary>
    /// <returns>The error; null when there was none.</returns>
    public static NebulaException? Refusal(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (NebulaException e)
        {
            return e;
        }
    }

    private static string Hash(List<string> lines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var line in lines)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(line));
            hash.AppendData("\n"u8);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static bool JsonEqual(string expected, string actual)
    {
        var options = new JsonDocumentOptions { MaxDepth = 512 };
        using var a = JsonDocument.Parse(expected, options);
        using var b = JsonDocument.Parse(actual, options);
        return JsonElement.DeepEquals(a.RootElement, b.RootElement);
    }

    private static string Cut(string line) => line.Length <= 600 ? line : line[..600] + "…";

    private sealed class Sink : IDecodeSink
    {
        public List<string> Lines { get; } = [];

        public void Add(RecordBatch batch)
        {
            using (batch)
            {
                var text = new StringBuilder();
                for (var row = 0; row < batch.Length; row++)
                {
                    text.Clear();
                    FixtureRows.Render(text, batch.Schema, batch.Columns, row);
                    Lines.Add(text.ToString());
                }
            }
        }

        public void Reject(RejectedRow row) => throw new DataFormatException(row.Reason, row.Location);

        void IDecodeSink.Lines(long count)
        {
        }
    }
}
