using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Json;

/// <summary>Encodings by name.</summary>
internal static class JsonEncodings
{
    /// <summary>Finds what turns an encoding into text; null for UTF-8, which is read as it is.</summary>
    /// <param name="name">The name, as IANA registers it.</param>
    /// <param name="options">Where it was set, for messages; null when it was not.</param>
    /// <exception cref="NebulaException">There is no such encoding.</exception>
    public static Encoding? Find(string name, OptionValues? options)
    {
        if (name.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || name.Equals("utf8", StringComparison.OrdinalIgnoreCase))
            return null;
        try
        {
            return Encoding.GetEncoding(name);
        }
        catch (ArgumentException)
        {
            throw NebulaException.Configuration(
                $"There is no encoding '{name}'. JSON is nearly always utf-8; utf-16, utf-16be, utf-32, utf-32be and latin1 are read too.",
                options?.LocationOf(JsonDialect.EncodingKey));
        }
    }
}
