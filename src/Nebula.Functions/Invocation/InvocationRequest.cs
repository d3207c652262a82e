using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Functions.Invocation;

/// <summary>One call of a function, as the host sends it: an object with <c>Data</c> (trigger and input bindings) and <c>Metadata</c>.</summary>
internal sealed class InvocationRequest
{
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = EnvelopeValue.MaxDepth };
    private readonly Dictionary<string, EnvelopeValue> _data = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EnvelopeValue> _metadata = new(StringComparer.Ordinal);

    private InvocationRequest()
    {
    }

    /// <summary>The trigger's value when it is the only one of <c>Data</c>: how orchestrations and activities are called.</summary>
    /// <exception cref="DataFormatException">There is none, or there are several.</exception>
    public EnvelopeValue Single => _data.Count == 1 ? _data.Values.First() : throw new DataFormatException(
        $"The invocation has {_data.Count} values in 'Data', one was expected. Its function.json does not belong to this version: deploy the app again.");

    /// <summary>Reads an envelope. Members that are unknown are passed over.</summary>
    /// <param name="body">The request's body.</param>
    /// <exception cref="DataFormatException">The body is no envelope.</exception>
    public static InvocationRequest Read(ReadOnlyMemory<byte> body)
    {
        var request = new InvocationRequest();
        try
        {
            var reader = new Utf8JsonReader(body.Span, ReaderOptions);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new JsonException("expected an object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var section = reader.ValueTextEquals("Data"u8) ? request._data : reader.ValueTextEquals("Metadata"u8) ? request._metadata : null;
                reader.Read();
                if (section is not null && reader.TokenType == JsonTokenType.StartObject)
                    ReadMembers(ref reader, body, section);
                else
                    reader.Skip();
            }
            if (reader.Read())
                throw new JsonException("more behind the object");
            return request;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DataFormatException($"The request is no invocation of a Functions host: {DataFormatException.Show(body.Span)} ({e.Message}).", inner: e);
        }
    }

    /// <summary>The value of a binding.</summary>
    /// <param name="binding">Its name in function.json.</param>
    /// <exception cref="DataFormatException">It is not there.</exception>
    public EnvelopeValue Get(string binding) => _data.TryGetValue(binding, out var value) ? value : throw new DataFormatException(
        $"The invocation has no value for the binding '{binding}'. Its function.json does not belong to this version: deploy the app again.");

    /// <summary>Text that the trigger tells beside its value. Properties of the value can stand here too: nothing that matters may depend on it.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Null when it is not there.</returns>
    public string? Metadata(string name) => _metadata.TryGetValue(name, out var value) ? value.ToText() : null;

    private static void ReadMembers(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body, Dictionary<string, EnvelopeValue> members)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            members[name] = new EnvelopeValue(body[start..(int)reader.BytesConsumed]);
        }
    }
}
