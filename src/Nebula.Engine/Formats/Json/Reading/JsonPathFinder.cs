using System.Text;
using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Reads what stands around an array of records that is not the whole document (option <c>records_path</c>).</summary>
internal static class JsonPathFinder
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = JsonLexer.MaxDepth };

    /// <summary>Finds the array that a path of keys leads to.</summary>
    /// <param name="bytes">The stream from its start.</param>
    /// <param name="start">Where the document starts.</param>
    /// <param name="endOfInput">Whether nothing follows.</param>
    /// <param name="path">The keys.</param>
    /// <param name="name">The file, for messages.</param>
    /// <returns>Position of the opening bracket; -1 when it is not there yet.</returns>
    /// <exception cref="DataFormatException">The path leads to no array, or what stands in front of it is no JSON.</exception>
    public static int FindArray(ReadOnlySpan<byte> bytes, int start, bool endOfInput, IReadOnlyList<string> path, string name)
    {
        var reader = new Utf8JsonReader(bytes[start..], endOfInput, new JsonReaderState(Options));
        var matched = 0;
        try
        {
            while (reader.Read())
            {
                // depth of a key is the number of objects around it: only keys right below what is matched so far count
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == matched + 1 && reader.ValueTextEquals(path[matched]))
                {
                    if (!reader.Read())
                        return -1;
                    if (++matched == path.Count)
                        return reader.TokenType == JsonTokenType.StartArray
                            ? start + (int)reader.TokenStartIndex
                            : throw Missing($"'{string.Join('.', path)}' is no array");
                    if (reader.TokenType != JsonTokenType.StartObject)
                        throw Missing($"'{string.Join('.', path.Take(matched))}' is no object");
                }
                else if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth < matched + 1 && reader.CurrentDepth <= matched)
                    throw Missing($"there is no key '{path[matched]}'");
                else if (reader.CurrentDepth == 0 && reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.EndObject))
                    throw Missing("the document is no object");
            }
        }
        catch (JsonException e)
        {
            throw new DataFormatException(
                $"The document is no JSON in front of the records: {e.Message}", new SourceLocation(name, Line: (e.LineNumber ?? 0) + 1), e);
        }
        return -1;

        DataFormatException Missing(string why) => new(
            $"The path '{string.Join('.', path)}' of 'records_path' leads to no array: {why}.", new SourceLocation(name));
    }

    /// <summary>Checks what follows the array of records.</summary>
    /// <param name="tail">Everything behind its closing bracket.</param>
    /// <param name="depth">Number of objects to be closed.</param>
    /// <param name="name">The file, for messages.</param>
    /// <param name="offset">Where the tail stands in the file.</param>
    /// <exception cref="DataFormatException">It is no JSON.</exception>
    public static void CheckTail(ReadOnlySpan<byte> tail, int depth, string name, long offset)
    {
        // an empty array inside as many objects stands for what was in front
        var head = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"\":", depth)) + "[]");
        var document = new byte[head.Length + tail.Length];
        head.CopyTo(document, 0);
        tail.CopyTo(document.AsSpan(head.Length));
        var reader = new Utf8JsonReader(document, Options);
        try
        {
            while (reader.Read())
            {
            }
        }
        catch (JsonException e)
        {
            throw new DataFormatException($"The document is no JSON behind the records: {e.Message}", new SourceLocation(name, ByteOffset: offset), e);
        }
    }
}
