using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Configuration;

/// <summary>Writes the JSON Schema (draft 2020-12) of pipeline files for editors, from the table of keys and from what the connectors declare.</summary>
public static class ConfigSchema
{
    /// <summary>Writes the schema as indented UTF-8.</summary>
    /// <param name="target">Takes it; stays open.</param>
    /// <param name="connectors">The connectors to describe.</param>
    public static void WriteJsonSchema(Stream target, IEnumerable<ConnectorDescriptor> connectors)
    {
        using var json = new Utf8JsonWriter(target, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        new ConfigSchemaWriter(json, [.. connectors.OrderBy(static connector => connector.Name, StringComparer.Ordinal)]).Write();
    }
}

/// <summary>
/// Writes one schema. It relies on the rule that a keyword only speaks about values of its own type (<c>pattern</c> about texts, <c>minimum</c> about numbers,
/// <c>properties</c> about objects): a list of types with all their keywords beside it is an alternative without <c>anyOf</c>, and editors explain it better.
/// </summary>
internal sealed class ConfigSchemaWriter(Utf8JsonWriter json, IReadOnlyList<ConnectorDescriptor> connectors)
{
    private const string Stream = "stream";
    private const string Connection = "connection";
    private const string Source = "source";
    private const string Target = "target";

    // A text with a variable in it can become anything.
    private const string OrVariable = @"|\$\{";
    private const string SizePattern = @"^[0-9.]+ *([KkMmGgTt][Ii]?)?[Bb]$";
    private const string DurationPattern = "^[0-9.]+ *(ms|s|m|h|d)$";

    public void Write()
    {
        json.WriteStartObject();
        json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
        json.WriteString("title", "Nebula pipeline");
        WriteSection(ConfigKeys.Pipeline, "object");
        json.WriteStartObject("$defs");
        WriteObject(Stream, () => WriteSection(ConfigKeys.Stream, "object", "null"));
        WriteObject(Connection, () => WriteConnection(static connector => connector.SourceOptions is null || connector.DestinationOptions is null
            ? connector.SourceOptions ?? connector.DestinationOptions
            : connector.SourceOptions.Concat(connector.DestinationOptions).DistinctBy(static option => option.Name)));
        WriteObject(Source, () => WriteConnection(static connector => connector.SourceOptions));
        WriteObject(Target, () => WriteConnection(static connector => connector.DestinationOptions));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteSection(ConfigKey section, params string[] types)
    {
        json.WriteString("description", section.Summary);
        WriteTypes(types);
        json.WriteStartObject("properties");
        foreach (var key in section.Keys.Where(static key => key.IsSupported))
            foreach (var name in key.Aliases.Prepend(key.Name))
                WriteObject(name, () => WriteKey(key));
        json.WriteEndObject();
        json.WriteBoolean("additionalProperties", false);

        var required = section.Keys.Where(static key => key.IsRequired).ToList();
        if (required.Count > 0)
            WriteArray("allOf", required, key => WriteArray("anyOf", key.Aliases.Prepend(key.Name), name => WriteTexts("required", [name])));
    }

    private void WriteKey(ConfigKey key)
    {
        switch (key.Kind)
        {
            case ConfigKind.Section when ReferenceEquals(key.Keys, ConfigKeys.Stream.Keys):
                WriteReference(Stream);
                return;
            case ConfigKind.Section when key.Shorthand is not null:
                WriteSection(key, "object", "string", "null");
                return;
            case ConfigKind.Section:
                WriteSection(key, "object", "null");
                return;
            case ConfigKind.Connection:
                WriteReference(Connection);
                WriteTypes("object", "null");
                return;
        }
        json.WriteString("description", key.Summary);
        switch (key.Kind)
        {
            case ConfigKind.ConnectionOrName:
                WriteReference(key == ConfigKeys.Source ? Source : Target);
                WriteTypes("string", "object");
                break;
            case ConfigKind.Table:
                WriteTypes("object", "null");
                WriteObject("additionalProperties", () => WriteKey(key.Item!));
                break;
            case ConfigKind.Options:
                WriteTypes("object", "null");
                break;
            case ConfigKind.Selection:
                WriteTextList();
                break;
            case ConfigKind.Flag:
                WriteFlag();
                break;
            case ConfigKind.Integer:
                WriteTypes("integer", "string", "null");
                json.WriteNumber("minimum", key.Minimum);
                if (key.Maximum < long.MaxValue)
                    json.WriteNumber("maximum", key.Maximum);
                WritePattern("^[0-9]+$", key.AllowsNone);
                break;
            case ConfigKind.Size:
                WriteTypes("string", "null");
                WritePattern(SizePattern, key.AllowsNone);
                break;
            case ConfigKind.Duration:
                WriteTypes("string", "null");
                WritePattern(DurationPattern, key.AllowsNone);
                break;
            case ConfigKind.Choice:
                WriteChoice(key.Choices.Where(static choice => choice.IsSupported).SelectMany(static choice => choice.Aliases.Prepend(choice.Name)));
                break;
            default:
                WriteTypes("string", "number", "boolean", "null");
                break;
        }
        if (key.Default is not null)
            json.WriteString("default", key.Default);
    }

    /// <summary>Writes what a connection is, of the connectors that have options in the role in question.</summary>
    private void WriteConnection(Func<ConnectorDescriptor, IEnumerable<OptionDescriptor>?> options)
    {
        var listed = connectors.Where(connector => options(connector) is not null).ToList();
        WriteTexts("required", [ConfigKeys.ConnectionType.Name]);
        WriteObject("properties", () => WriteObject(ConfigKeys.ConnectionType.Name, () =>
        {
            json.WriteString("description", ConfigKeys.ConnectionType.Summary);
            WriteChoice(listed.SelectMany(static connector => connector.Aliases.Prepend(connector.Name)));
        }));
        WriteArray("allOf", listed, connector =>
        {
            WriteObject("if", () =>
            {
                WriteTexts("required", [ConfigKeys.ConnectionType.Name]);
                WriteObject("properties", () =>
                    WriteObject(ConfigKeys.ConnectionType.Name, () => WriteTexts("enum", connector.Aliases.Prepend(connector.Name))));
            });
            WriteObject("then", () =>
            {
                json.WriteString("description", connector.Summary);
                WriteObject("properties", () =>
                {
                    json.WriteBoolean(ConfigKeys.ConnectionType.Name, true);
                    WriteOptions(options(connector)!.Select(static option => (option.Name, option)));
                });
                json.WriteBoolean("additionalProperties", false);
            });
        });
    }

    /// <summary>Writes options: one that is called 'a.b' is the key 'b' of a map 'a'.</summary>
    private void WriteOptions(IEnumerable<(string Name, OptionDescriptor Option)> options)
    {
        foreach (var group in options.GroupBy(static option => option.Name.Split('.')[0]))
            WriteObject(group.Key, () =>
            {
                if (group.FirstOrDefault(option => option.Name == group.Key).Option is { } option)
                {
                    WriteOption(option);
                    return;
                }
                WriteTypes("object", "null");
                WriteObject("properties", () => WriteOptions(group.Select(option => (option.Name[(group.Key.Length + 1)..], option.Option))));
                json.WriteBoolean("additionalProperties", false);
            });
    }

    private void WriteOption(OptionDescriptor option)
    {
        json.WriteString("description", option.Summary);
        switch (option.Kind)
        {
            case OptionKind.Flag:
                WriteFlag();
                break;
            case OptionKind.Integer:
                WriteTypes("integer", "string", "null");
                WritePattern("^-?[0-9]+$", allowsNone: false);
                break;
            case OptionKind.Size:
                WriteTypes("string", "null");
                WritePattern(SizePattern, allowsNone: false);
                break;
            case OptionKind.Duration:
                WriteTypes("string", "null");
                WritePattern(DurationPattern, allowsNone: false);
                break;
            case OptionKind.Choice:
                WriteChoice(option.Choices);
                break;
            case OptionKind.TextList:
                WriteTextList();
                break;
            default:
                WriteTypes("string", "number", "boolean", "null");
                break;
        }
        if (option.Default is not null)
            json.WriteString("default", option.Default);
    }

    private void WriteFlag()
    {
        WriteTypes("boolean", "string", "null");
        WritePattern("^(true|false)$", allowsNone: false);
    }

    private void WriteTextList()
    {
        WriteTypes("array", "string", "null");
        WriteObject("items", () => WriteTypes("string", "number", "boolean"));
    }

    private void WriteChoice(IEnumerable<string> values) => WriteArray("anyOf", [false, true], isVariable =>
    {
        if (!isVariable)
        {
            WriteTexts("enum", values);
            return;
        }
        WriteTypes("string", "null");
        json.WriteString("pattern", OrVariable[1..]);
    });

    private void WritePattern(string pattern, bool allowsNone) => json.WriteString("pattern", pattern + (allowsNone ? "|^none$" : "") + OrVariable);

    private void WriteReference(string definition) => json.WriteString("$ref", "#/$defs/" + definition);

    private void WriteTypes(params string[] types)
    {
        if (types.Length == 1)
            json.WriteString("type", types[0]);
        else
            WriteTexts("type", types);
    }

    private void WriteTexts(string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private void WriteObject(string name, Action members)
    {
        json.WriteStartObject(name);
        members();
        json.WriteEndObject();
    }

    private void WriteArray<T>(string name, IEnumerable<T> items, Action<T> members)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            members(item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
