using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.State;

/// <summary>
/// Small documents by key: checkpoints, chunk lists, part manifests. What is too large for a history lives here, and what must outlive a run.
/// Keys are paths: segments separated by '/', none empty, '.' or '..'. All methods are safe for many callers at once, also of other processes.
/// </summary>
public interface IStateStore
{
    /// <summary>Reads a document.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Null when there is none.</returns>
    Task<StateEntry?> GetAsync(string key, CancellationToken cancellationToken);

    /// <summary>Writes a document: readers see the old one or the new one, never a part.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="content">The document.</param>
    /// <param name="condition">What has to hold, checked in the same step.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The ETag of the new document.</returns>
    /// <exception cref="StateConflictException">The condition does not hold; nothing was written.</exception>
    Task<string> PutAsync(string key, ReadOnlyMemory<byte> content, StateCondition condition, CancellationToken cancellationToken);

    /// <summary>Lists keys in ordinal order.</summary>
    /// <param name="prefix">What they begin with; empty for all.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Removes a document.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Whether there was one.</returns>
    Task<bool> DeleteAsync(string key, CancellationToken cancellationToken);
}

/// <summary>A document of a state store.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="ETag">Names this version of it: another content has another ETag.</param>
public sealed record StateEntry(ReadOnlyMemory<byte> Content, string ETag);

/// <summary>What has to hold when a document is written.</summary>
/// <param name="ETag">The version that must be there; empty when none may be there; null for any.</param>
public readonly record struct StateCondition(string? ETag)
{
    /// <summary>Whatever is there is replaced.</summary>
    public static StateCondition None => new(null);

    /// <summary>Nothing may be there.</summary>
    public static StateCondition IfAbsent => new("");

    /// <summary>A certain version has to be there.</summary>
    /// <param name="eTag">Its ETag.</param>
    public static StateCondition IfMatch(string eTag) => new(eTag);

    /// <summary>What was read before has to be there still: that version, or nothing.</summary>
    /// <param name="entry">What was read.</param>
    public static StateCondition IfUnchanged(StateEntry? entry) => entry is null ? IfAbsent : IfMatch(entry.ETag);
}

/// <summary>A document is not what its writer believed: someone else was there first.</summary>
/// <param name="key">The document's key.</param>
public sealed class StateConflictException(string key)
    : NebulaException(ErrorKind.Locked, $"The state '{key}' was changed by someone else meanwhile. Another run of the pipeline may be under way.");

/// <summary>The rules for keys of a state store.</summary>
public static class StateKeys
{
    private const int MaxLength = 1_000;

    /// <summary>Refuses what is no key.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static void Check(string key)
    {
        if (key.Length is 0 or > MaxLength)
            throw new ArgumentException($"A key has 1 to {MaxLength} characters; this one has {key.Length}.", nameof(key));
        foreach (var segment in key.AsSpan().Split('/'))
            if (key[segment] is "" or "." or "..")
                throw new ArgumentException($"'{key}' is no key: a segment is empty, '.' or '..'.", nameof(key));
    }

    /// <summary>Turns a name that a user chose into one segment of a key.</summary>
    /// <param name="name">The name.</param>
    public static string Segment(string name)
    {
        // most names are as they are; what escapes others takes some milliseconds to start
        var segment = name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~') ? name : Uri.EscapeDataString(name);
        return segment is "" or "." or ".." ? "%" + segment : segment;
    }
}
