using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>Reads small text files that a user wrote.</summary>
internal static class ConfigTextFile
{
    /// <summary>Greatest size of a configuration, in bytes.</summary>
    public const int MaxSize = 4 << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file of UTF-8, with or without a byte order mark.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxSize">Greatest size, in bytes.</param>
    /// <exception cref="ConfigurationException">The file is missing, unreadable, too large or not UTF-8.</exception>
    public static string Read(string path, int maxSize = MaxSize)
    {
        try
        {
            using var file = File.OpenRead(path);
            // The length of a pipe or device is not known, so the bytes themselves are counted.
            var bytes = new byte[(int)Math.Min(file is { CanSeek: true, Length: > 0 } ? file.Length : maxSize, maxSize) + 1];
            var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count <= maxSize
                ? StrictUtf8.GetString(bytes, 0, count).TrimStart('\uFEFF')
                : throw new ConfigurationException(
                    new SourceLocation(path), $"The file is larger than {Units.FormatSize(maxSize)}, which no configuration needs.");
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ConfigurationException(new SourceLocation(path), $"The file does not exist.{Suggestion.ForFile(path)}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException and not DecoderFallbackException)
        {
            throw new ConfigurationException(new SourceLocation(path), $"The file cannot be read: {error.Message}");
        }
        catch (DecoderFallbackException error)
        {
            throw new ConfigurationException(new SourceLocation(path, ByteOffset: error.Index), "The file is not UTF-8. Save it as UTF-8.");
        }
    }
}
