using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro;
using Nebula.Engine.Schemas;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Avro;

public sealed class AvroConformanceTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(256 << 10)]
    [InlineData(1)]
    public void Read_EveryFile_GivesTheExpectedRows(int blockSize)
    {
        if (!SharedFixtures.TryFind("avro", output, out _))
            return;
        var (wrong, checkedFiles) = (new List<string>(), 0);
        foreach (var unit in Files("avro"))
        {
            checkedFiles++;
            try
            {
                var content = ContainerFixtures.Read(new AvroFormat(), unit.Path, blockSize);
                content = content with { Lines = [.. content.Lines.Select(line => Unwrap(content.Schema, line))] };
                if (ContainerFixtures.Compare(unit, content) is { } difference)
                    wrong.Add($"{unit.Name}: {difference}");
            }
            catch (NebulaException e)
            {
                wrong.Add($"{unit.Name}: {e.Message}");
            }
        }
        output.WriteLine($"{checkedFiles} files");
        Assert.True(checkedFiles >= 60);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Read_BadFiles_AreRefusedWithReasonOrReadRight()
    {
        if (!SharedFixtures.TryFind("avro-bad", output, out _))
            return;
        foreach (var unit in ContainerFixtures.Units("avro-bad"))
        {
            var error = ContainerFixtures.Refusal(() => ContainerFixtures.Read(new AvroFormat(), unit.Path));
            output.WriteLine($"{unit.Name} ({unit.Verdict}): {error?.Message ?? "read"}");
            if (unit.Verdict == "reject")
                Assert.True(error is DataFormatException { Location: not null }, $"{unit.Name} was not refused");
        }
    }

    /// <summary>The files of a suite, also those in a folder that stands as one unit.</summary>
    private static IEnumerable<ContainerUnit> Files(string suite) => ContainerFixtures.Units(suite)
        .SelectMany(static unit => Directory.Exists(unit.Path)
            ? Directory.EnumerateFiles(unit.Path, "*.avro").Select(path => unit with { Name = $"{unit.Name}/{Path.GetFileName(path)}", Path = path })
            : [unit])
        .Where(static unit => unit.HasExpectation);

    /// <summary>The expectations have bare values where a union or a record inside itself is a column of JSON.</summary>
    private static string Unwrap(Schema schema, string line)
    {
        if (!schema.Fields.Any(static field => HasJson(field.Type)))
            return line;
        var row = JsonNode.Parse(line)!.AsObject();
        foreach (var field in schema.Fields)
            row[field.Name] = Unwrap(field.Type, row[field.Name]);
        var text = new StringBuilder();
        Render(text, row);
        return text.ToString();
    }

    /// <summary>As the expectations are written.</summary>
    private static void Render(StringBuilder text, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject members:
                var before = '{';
                foreach (var (name, value) in members)
                {
                    FixtureRows.RenderString(text.Append(before), name);
                    Render(text.Append(':'), value);
                    before = ',';
                }
                text.Append(before == '{' ? "{}" : "}");
                break;
            case JsonArray items:
                text.Append('[');
                for (var i = 0; i < items.Count; i++)
                    Render(text.Append(i == 0 ? "" : ","), items[i]);
                text.Append(']');
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                FixtureRows.RenderString(text, value.GetValue<string>());
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<long>(out var integer):
                FixtureRows.RenderInteger(text, integer);
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.Number:
                FixtureRows.RenderNumber(text, value.GetValue<double>());
                break;
            default:
                text.Append(node?.ToJsonString() ?? "null");
                break;
        }
    }

    private static JsonNode? Unwrap(DataType type, JsonNode? value)
    {
        if (value is null || !HasJson(type))
            return value?.DeepClone();
        switch (type.Kind)
        {
            case TypeKind.Json:
                return JsonNode.Parse(value.GetValue<string>());
            case TypeKind.List:
                return new JsonArray([.. value.AsArray().Select(item => Unwrap(type.Fields[0].Type, item))]);
            default:
                return new JsonObject(type.Fields.Select(field => new KeyValuePair<string, JsonNode?>(field.Name, Unwrap(field.Type, value[field.Name]))));
        }
    }

    private static bool HasJson(DataType type) => type.Kind == TypeKind.Json || type.Fields.Any(static field => HasJson(field.Type));
}
