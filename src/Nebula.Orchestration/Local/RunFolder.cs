using System.Globalization;
using System.Text;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Local;

/// <summary>The folder of one run: its journal, the lock of the process that runs it, and the events that other processes left for it.</summary>
internal sealed class RunFolder(string path)
{
    private const int MaxName = 150;
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const string EventSuffix = ".event";

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>The journal.</summary>
    public string Journal { get; } = System.IO.Path.Combine(path, "journal");

    private string Inbox { get; } = System.IO.Path.Combine(path, "inbox");

    /// <summary>The folder of a run.</summary>
    public static RunFolder Of(string directory, string instanceId)
    {
        InstanceIds.Check(instanceId);
        return new RunFolder(System.IO.Path.Combine(directory, NameOf(instanceId)));
    }

    /// <summary>Takes the lock that lets one process run the instance.</summary>
    /// <returns>What gives it back; null when another process has it.</returns>
    /// <exception cref="NebulaException">The folder cannot be written.</exception>
    public IDisposable? TryLock()
    {
        try
        {
            Directory.CreateDirectory(Path);
            return File.OpenHandle(System.IO.Path.Combine(Path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new NebulaException(ErrorKind.Permission, $"The folder of runs '{Path}' cannot be written: {e.Message}", inner: e);
        }
        catch (IOException e) when (e.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            return null;
        }
        catch (IOException e)
        {
            throw new NebulaException(ErrorKind.Transient, $"The folder of runs '{Path}' cannot be used: {e.Message}", inner: e);
        }
    }

    /// <summary>Whether some process runs the instance now.</summary>
    public bool IsLocked()
    {
        if (!File.Exists(System.IO.Path.Combine(Path, "lock")))
            return false;
        using var held = TryLock();
        return held is null;
    }

    /// <summary>Leaves an event for whoever runs the instance, now or later.</summary>
    public void Leave(HistoryEvent message, DateTime now)
    {
        Directory.CreateDirectory(Inbox);
        var writer = new ProtocolWriter();
        HistoryEventCodec.Write(writer, 1, message);
        var name = string.Create(CultureInfo.InvariantCulture, $"{now.Ticks:x16}-{Guid.NewGuid():n}{EventSuffix}");
        var temporary = System.IO.Path.Combine(Inbox, name + ".tmp");
        File.WriteAllBytes(temporary, writer.Written);
        File.Move(temporary, System.IO.Path.Combine(Inbox, name));
    }

    /// <summary>The events that were left, oldest first, without those that are known.</summary>
    /// <param name="taken">Names of the files that the journal has.</param>
    public IReadOnlyList<(string Name, HistoryEvent Message)> Left(HashSet<string> taken)
    {
        if (!Directory.Exists(Inbox))
            return [];
        var left = new List<(string, HistoryEvent)>();
        foreach (var file in Directory.GetFiles(Inbox, "*" + EventSuffix).Order(StringComparer.Ordinal))
        {
            var name = System.IO.Path.GetFileName(file);
            if (taken.Contains(name))
                Remove(name);
            else if (Read(file) is { } message)
                left.Add((name, message));
        }
        return left;
    }

    /// <summary>Removes an event that the journal has.</summary>
    public void Remove(string name) => File.Delete(System.IO.Path.Combine(Inbox, name));

    private static HistoryEvent? Read(string file)
    {
        try
        {
            var reader = new ProtocolReader(File.ReadAllBytes(file));
            return reader.Next() && reader.Field == 1 ? HistoryEventCodec.Read(reader.Bytes()) : null;
        }
        catch (Exception e) when (e is DataFormatException or IOException)
        {
            // not ours: whoever put it there may look at it
            return null;
        }
    }

    private static string NameOf(string instanceId)
    {
        var name = new StringBuilder(instanceId.Length);
        foreach (var b in Encoding.UTF8.GetBytes(instanceId))
            _ = char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' || (b == '.' && name.Length > 0)
                ? name.Append((char)b)
                : name.Append(CultureInfo.InvariantCulture, $"%{b:x2}");
        if (name.Length <= MaxName)
            return name.ToString();
        var hash = Hash128.Of(Encoding.UTF8.GetBytes(instanceId)).ToString();
        return $"{name.ToString(0, MaxName - hash.Length - 1)}-{hash}";
    }
}
