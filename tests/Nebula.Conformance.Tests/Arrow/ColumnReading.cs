using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Conformance.Tests.Arrow;

/// <summary>Reads some columns of a file, value by value.</summary>
internal static class ColumnReading
{
    public static OptionValues NoOptions(IFileFormat format) => new(format.Name, format.ReadOptions, []);

    public static (Schema Schema, List<string[]> Values) Read(IContainerFormat format, string path, BufferPool pool, ImmutableArray<int>? columns)
    {
        using var file = format.Open(new MemoryBytes(path, File.ReadAllBytes(path)), NoOptions(format), pool);
        using var reader = file.OpenReader(columns ?? [.. Enumerable.Range(0, file.Schema.Fields.Length)], 0, null, new ReadContext(pool, 64 << 10));
        var sink = new Sink();
        while (reader.Next() is { } block)
            using (block)
                reader.Decode(block, sink);
        return (file.Schema, sink.Values);
    }

    /// <summary>The members of a JSON object as they are written.</summary>
    public static List<(string Name, string Value)> Split(string line)
    {
        var members = new List<(string, string)>();
        var bytes = Encoding.UTF8.GetBytes(line);
        var reader = new Utf8JsonReader(bytes);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Encoding.UTF8.GetString(bytes, (int)reader.TokenStartIndex, reader.ValueSpan.Length + 2);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            members.Add((name, Encoding.UTF8.GetString(bytes, start, (int)reader.BytesConsumed - start)));
        }
        return members;
    }

    private sealed class Sink : IDecodeSink
    {
        public List<string[]> Values { get; } = [];

        public void Add(RecordBatch batch)
        {
            using (batch)
                for (var row = 0; row < batch.Length; row++)
                {
                    var text = new StringBuilder();
                    FixtureRows.Render(text, batch.Schema, batch.Columns, row);
                    Values.Add([.. Split(text.ToString()).Select(static member => member.Value)]);
                }
        }

        public void Reject(RejectedRow row) => Assert.Fail(row.Reason);

        public void Lines(long count)
        {
        }
    }
}
