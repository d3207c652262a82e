using System.Text.Json;
using System.Text.Unicode;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Pipeline;

/// <summary>
/// The rows that could not be read, as JSON lines: <c>file</c>, <c>line</c>, <c>column</c>, <c>byte_offset</c> (each where known), <c>reason</c>, and the row's
/// bytes
/// as <c>raw</c>, or as <c>raw_base64</c> where they are not UTF-8. Written under a temporary name; without rows there is no file.
/// </summary>
/// <param name="path">Where it is published.</param>
/// <param name="runId">Identity of the run, for the temporary name.</param>
public sealed class QuarantineFile(string path, string runId) : IDisposable
{
    // one row of the largest size, escaped in full, must fit: System.Text.Json refuses larger texts
    private const int LargestText = 100 << 20;
    private readonly string _temporary = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".", $".{Path.GetFileName(path)}.{runId}.nebula-tmp");
    private FileStream? _file;
    private Utf8JsonWriter? _writer;

    /// <summary>Takes a row, its place complete.</summary>
    /// <param name="row">The row.</param>
    /// <exception cref="NebulaException">The file cannot be written.</exception>
    public void Add(RejectedRow row)
    {
        try
        {
            Open();
            Write(row);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NebulaException(ErrorKind.Permission, $"The quarantine file '{path}' cannot be written: {e.Message}", inner: e);
        }
    }

    /// <summary>Forgets all rows: the run starts again.</summary>
    public void Restart()
    {
        if (_file is null)
            return;
        Close();
        File.Delete(_temporary);
    }

    /// <summary>Makes the file visible, in place of an earlier one.</summary>
    /// <returns>Its path; null when there were no rows, and so no file.</returns>
    public string? Publish()
    {
        if (_file is null)
            return null;
        Close();
        File.Move(_temporary, path, overwrite: true);
        return path;
    }

    /// <summary>Removes what was not published.</summary>
    public void Dispose() => Restart();

    private void Open()
    {
        if (_file is not null)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(_temporary)!);
        _file = new FileStream(_temporary, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 64 << 10);
        _writer = new Utf8JsonWriter(_file, new JsonWriterOptions
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            SkipValidation = true
        });
    }

    private void Write(RejectedRow row)
    {
        var writer = _writer!;
        writer.WriteStartObject();
        writer.WriteString("file"u8, row.Location.Name);
        if (row.Location.Line > 0)
            writer.WriteNumber("line"u8, row.Location.Line);
        if (row.Location.Column is { } column)
            writer.WriteString("column"u8, column);
        if (row.Location.ByteOffset >= 0)
            writer.WriteNumber("byte_offset"u8, row.Location.ByteOffset);
        writer.WriteString("reason"u8, row.Reason);
        var raw = row.Raw.Span;
        if (raw.Length > LargestText)
        {
            raw = raw[..LargestText];
            writer.WriteBoolean("raw_is_cut"u8, true);
        }
        if (Utf8.IsValid(raw))
            writer.WriteString("raw"u8, raw);
        else
            writer.WriteBase64String("raw_base64"u8, raw);
        writer.WriteEndObject();
        writer.Flush();
        _file!.WriteByte((byte)'\n');
        writer.Reset();
    }

    private void Close()
    {
        _writer?.Dispose();
        _file?.Dispose();
        (_writer, _file) = (null, null);
    }
}
