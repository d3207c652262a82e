using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.ObjectStores;

/// <summary>
/// Where files live. A new store is one more implementation; formats and codecs know nothing of it. Paths are in the
/// store's own form, see <see cref="Resolve"/>.
/// </summary>
internal interface IObjectStore : IDisposable
{
    /// <summary>In the path of a staged version: what follows tells the part of the object that it is. Without points.</summary>
    const char PartMark = '#';

    /// <summary>The ending of objects that tell what a run wrote; they are no data.</summary>
    const string ManifestSuffix = ".nebula-parts";

    /// <summary>The ending of what a run stages; it is no data.</summary>
    const string StagedSuffix = ".nebula-tmp";

    /// <summary>Bytes that the store holds itself while it reads or writes an object.</summary>
    long BufferBytes => 0;

    /// <summary>Bytes of what all stores of its kind have together: the service's library and its connections.</summary>
    long LibraryBytes => 0;

    /// <summary>Whether several staged versions can be joined to one object when they are published.</summary>
    bool Joins { get; }

    /// <summary>Whether a staged version that is complete can be taken up again; see <see cref="Continue"/>.</summary>
    bool Continues => false;

    /// <summary>Whether a staged version can be published under another path than the one it was staged for.</summary>
    bool Renames { get; }

    /// <summary>Puts a path as the user wrote it into the store's own form.</summary>
    /// <param name="path">The path; may have wildcards and variables.</param>
    /// <exception cref="NebulaException">It is no path of this store.</exception>
    string Resolve(string path);

    /// <summary>Whether a path names a folder, in which objects are made: because it is written so, or because there is one.</summary>
    /// <param name="path">The path.</param>
    bool IsFolder(string path);

    /// <summary>Finds the objects that a path or wildcard names, in ordinal order of their paths.</summary>
    /// <param name="pattern">A path, or a wildcard with <c>*</c>, <c>?</c>, <c>**</c>.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The objects; empty when there are none.</returns>
    Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken);

    /// <summary>Makes the error of a path without wildcards under which nothing was found, with what is near it.</summary>
    /// <param name="path">The path.</param>
    NebulaException Missing(string path);

    /// <summary>Whether an object can be read only once, from its start, as standard input or a pipe can.</summary>
    /// <param name="path">Its path, as listed.</param>
    bool ComesOnce(string path) => false;

    /// <summary>Whether what is written to an object is on its way at once, as with standard output, pipes and devices: there is nothing to publish.</summary>
    /// <param name="path">Its path.</param>
    bool GoesOutAtOnce(string path) => false;

    /// <summary>Opens an object for reading forwards.</summary>
    /// <param name="file">The object, as listed. Where it has a version, another one is refused.</param>
    /// <param name="offset">The first byte wanted; 0 for what comes only once.</param>
    /// <param name="cancellationToken">Ends reads that wait for an answer, and later ones, with <see cref="OperationCanceledException"/>.</param>
    /// <returns>The bytes; <see cref="IInterruptible"/> when a read may wait for somebody to write.</returns>
    /// <exception cref="NebulaException">It is missing, has changed, or must not be read.</exception>
    Stream OpenRead(StoredObject file, long offset = 0, CancellationToken cancellationToken = default);

    /// <summary>Opens an object for reading in any order.</summary>
    /// <param name="file">The object, as listed; not a stream that comes only once. Where it has a version, another one is refused.</param>
    /// <param name="cancellationToken">Ends reads that wait for an answer, and later ones, with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="NebulaException">It is missing, has changed, or must not be read.</exception>
    IRandomAccess OpenRandom(StoredObject file, CancellationToken cancellationToken = default);

    /// <summary>Makes sure that an object can be written, and leaves nothing behind.</summary>
    /// <param name="path">The object, or a folder.</param>
    /// <exception cref="NebulaException">It cannot.</exception>
    void CheckWritable(string path);

    /// <summary>Makes sure that no other run writes an object or its parts now. What the run itself has staged stays, also when it comes late and once
    /// more.</summary>
    /// <param name="path">The object; for several, a name for all of them in the folder that they are in.</param>
    /// <param name="pattern">A wildcard of all objects that the run may write; the path itself where that is all.</param>
    /// <param name="runId">Identity of the run. It may claim again what it has.</param>
    /// <param name="goesOn">Whether the run has staged already, before its process died, and goes on with that. Where another process of the run does so at
    /// the same time, it is waited for if the store can.</param>
    /// <param name="cancellationToken">Stops waiting for it, or for a run that may have died.</param>
    /// <returns>Holds the claim until it is disposed of, or the process dies.</returns>
    /// <exception cref="NebulaException">Another run is writing the object now.</exception>
    IDisposable Claim(string path, string pattern, string runId, bool goesOn, CancellationToken cancellationToken);

    /// <summary>Starts a new version of an object that nobody sees until it is published.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="runId">Identity of the run, for the temporary name.</param>
    /// <param name="chunkIndex">The chunk that it holds, when it may be joined with those of other chunks; null when it is the whole object. Attempts at the
    /// same chunk do
    /// not disturb each other, nor do chunks that other processes stage at the same time.</param>
    /// <exception cref="NebulaException">It must not be written.</exception>
    IStagedObject Stage(string path, string runId, int? chunkIndex = null);

    /// <summary>Takes up a staged version that is complete, where the store <see cref="Continues"/>. What was written behind it is cut off.</summary>
    /// <param name="staged">Where it is.</param>
    /// <exception cref="NebulaException">It is gone, or not what it was.</exception>
    IStagedObject Continue(string staged) => throw new NotSupportedException("What is staged here is not continued.");

    /// <summary>Makes staged versions, joined in order, the object that readers see, in one step.</summary>
    /// <param name="staged">Where the staged versions are; just one unless the store <see cref="Joins"/>.</param>
    /// <param name="path">The object's path; the one that they were staged for unless the store <see cref="Renames"/>.</param>
    /// <param name="token">Identity of the commit.</param>
    /// <returns>False when the same had been done before: by an earlier attempt whose answer was lost.</returns>
    /// <exception cref="NebulaException">It cannot be done, or what was staged is gone.</exception>
    bool Publish(IReadOnlyList<string> staged, string path, string token);

    /// <summary>Finds what attempts that died have begun of the objects that a run is about to publish. Asked for before anything is published: what comes
    /// later may be the next run's.</summary>
    /// <param name="path">As <see cref="Claim"/> got it, which the caller still holds.</param>
    /// <param name="pattern">As <see cref="Claim"/> got it.</param>
    /// <param name="runId">The run.</param>
    /// <param name="staged">Where the staged versions are that it publishes.</param>
    /// <returns>Where the others are that are the run's or nobody's, for <see cref="Discard"/>.</returns>
    IReadOnlyList<string> FindAbandoned(string path, string pattern, string runId, IEnumerable<string> staged) => [];

    /// <summary>Removes a staged version.</summary>
    /// <param name="staged">Where it is; nothing happens when it is gone.</param>
    void Discard(string staged);

    /// <summary>Removes an object.</summary>
    /// <param name="path">Its path; nothing happens when it is gone.</param>
    /// <param name="root">The folder above. Folders between the two go as well when nothing is left in them.</param>
    void Delete(string path, string root);

    /// <summary>Reads a small object as a whole.</summary>
    /// <param name="path">Its path.</param>
    /// <returns>Null when there is none.</returns>
    SmallObject? ReadSmall(string path);

    /// <summary>Replaces a small object in one step, provided that nobody else did meanwhile.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="content">The new content.</param>
    /// <param name="expected">What was read before; null when there was nothing.</param>
    /// <param name="runId">Identity of the run, for a temporary name.</param>
    /// <returns>What is there now.</returns>
    /// <exception cref="NebulaException">It is not what was expected: another run was there first.</exception>
    SmallObject WriteSmall(string path, ReadOnlyMemory<byte> content, SmallObject? expected, string runId);
}

/// <summary>An object as a store lists it.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Name">Its path relative to the fixed part of the wildcard, with forward slashes.</param>
/// <param name="Size">Bytes; null when unknown.</param>
/// <param name="Version">Names this content: another content under the same path has another version. An entity tag, or time and size of a local file; null
/// when unknown.</param>
internal sealed record StoredObject(string Path, string Name, long? Size, string? Version = null);

/// <summary>A small object, whole.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="Version">Names this content.</param>
internal sealed record SmallObject(ReadOnlyMemory<byte> Content, string Version);

/// <summary>A stream whose reads may wait for ever.</summary>
internal interface IInterruptible
{
    /// <summary>Ends the read that waits, and all later ones, with <see cref="OperationCanceledException"/>.</summary>
    void Interrupt();
}

/// <summary>A version of an object while it is written. Disposed of before it is complete, it leaves nothing behind.</summary>
internal interface IStagedObject : IDisposable
{
    /// <summary>Where it is and what proves that it is this version, for <see cref="IObjectStore.Publish"/>, once it is complete; empty when it cannot be
    /// published because it went
    /// out at once.</summary>
    string Location { get; }

    /// <summary>Bytes written so far.</summary>
    long Length { get; }

    /// <summary>Appends bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Hands on what was written so far, where somebody reads along.</summary>
    void Flush();

    /// <summary>Makes everything durable.</summary>
    void Complete();

    /// <summary>Ends the write that waits, and all later ones, with <see cref="OperationCanceledException"/>.</summary>
    void Interrupt()
    {
    }
}
