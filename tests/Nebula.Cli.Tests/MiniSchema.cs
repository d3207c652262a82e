using System.Text.Json;

namespace Nebula.Cli.Tests;

/// <summary>As much of JSON Schema as the published schema uses, so that it can be held against what the program writes.</summary>
internal static class MiniSchema
{
    public static void Check(JsonElement root, JsonElement schema, JsonElement value, string context)
    {
        if (FirstProblem(root, schema, value, "$") is { } problem)
            Assert.Fail($"{problem} in {context}");
    }

    private static string? FirstProblem(JsonElement root, JsonElement schema, JsonElement value, string path)
    {
        foreach (var keyword in schema.EnumerateObject())
            if (ProblemOf(root, schema, keyword, value, path) is { } problem)
                return problem;
        return null;
    }

    private static string? ProblemOf(JsonElement root, JsonElement schema, JsonProperty keyword, JsonElement value, string path)
    {
        switch (keyword.Name)
        {
            case "$ref":
                return FirstProblem(root, root.GetProperty("$defs").GetProperty(keyword.Value.GetString()!["#/$defs/".Length..]), value, path);
            case "type":
                return HasType(value, keyword.Value.GetString()!) ? null : $"{path} is no {keyword.Value}";
            case "const":
                return value.GetString() == keyword.Value.GetString() ? null : $"{path} is not {keyword.Value}";
            case "enum":
                return keyword.Value.EnumerateArray().Any(item => item.GetString() == value.GetString()) ? null : $"{path} is none of {keyword.Value}";
            case "minimum":
                return value.GetDouble() >= keyword.Value.GetDouble() ? null : $"{path} is too small";
            case "required":
                return keyword.Value.EnumerateArray().Where(name => !value.TryGetProperty(name.GetString()!,
                    out _)).Select(name => $"{path} lacks {name}").FirstOrDefault();
            case "properties":
                return keyword.Value.EnumerateObject().Where(property => value.TryGetProperty(property.Name, out _))
                    .Select(property => FirstProblem(root, property.Value, value.GetProperty(property.Name),
                        $"{path}.{property.Name}")).FirstOrDefault(static problem => problem is not null);
            case "items":
                return value.EnumerateArray().Select((item, i) => FirstProblem(root, keyword.Value, item,
                    $"{path}[{i}]")).FirstOrDefault(static problem => problem is not null);
            case "allOf":
                return keyword.Value.EnumerateArray().Select(part => FirstProblem(root, part, value,
                    path)).FirstOrDefault(static problem => problem is not null);
            case "oneOf":
                var problems = keyword.Value.EnumerateArray().Select(part => FirstProblem(root, part, value, path)).ToList();
                return problems.Count(static problem => problem is null) == 1 ? null
                    : $"{path} matches {problems.Count(static problem => problem is null)} alternatives: {string.Join("; ", problems)}";
            case "$schema" or "$defs" or "title" or "description" or "format":
                return null;
            default:
                return $"the schema uses {keyword.Name}, which this check does not know (in {schema})";
        }
    }

    private static bool HasType(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "number" => value.ValueKind == JsonValueKind.Number,
        _ => false,
    };
}
