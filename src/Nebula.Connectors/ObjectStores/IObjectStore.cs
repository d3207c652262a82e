namespace Nebula.Connectors.ObjectStores;

/// <summary>Where files live. A new store is one more implementation; formats and codecs know nothing of it.</summary>
internal interface IObjectStore
{
    /// <summary>Finds the objects that a path or wildcard names, in ordinal order of their paths.</summary>
    /// <param name="pattern">A path, or a wildcard with <c>*</c>, <c>?</c>, <c>**</c>.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The objects; empty when there are none.</returns>
    Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken);

    /// <summary>Whether an object can be read only once, from its start, as standard input or a pipe can.</summary>
    /// <param name="path">Its path, as listed.</param>
    bool ComesOnce(string path) => false;

    /// <summary>Opens an object for reading from its start.</summary>
    /// <param name="path">Its path, as listed.</param>
    /// <returns>The bytes; <see cref="IInterruptible"/> when a read may wait for somebody to write.</returns>
    /// <exception cref="Engine.Diagnostics.NebulaException">It is missing or must not be read.</exception>
    Stream OpenRead(string path);

    /// <summary>Opens an object for reading in any order.</summary>
    /// <param name="path">Its path, as listed; not a stream that comes only once.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">It is missing or must not be read.</exception>
    Engine.Formats.IRandomAccess OpenRandom(string path);

    /// <summary>Whether an object, or a staged version of one, is there.</summary>
    /// <param name="path">Its path.</param>
    bool Exists(string path);

    /// <summary>Removes an object.</summary>
    /// <param name="path">Its path; nothing happens when it is gone.</param>
    /// <param name="root">The folder above. Folders between the two go as well when nothing is left in them.</param>
    void Delete(string path, string root);

    /// <summary>Starts a new version of an object that nobody sees until it is published.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="runId">Identity of the run, for the temporary name.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">It must not be written.</exception>
    IStagedObject Stage(string path, string runId);

    /// <summary>Whether a staged version can be taken up again after it was completed, by <see cref="Continue"/>.</summary>
    bool Continues { get; }

    /// <summary>Takes up a staged version that was completed.</summary>
    /// <param name="staged">Where it is.</param>
    /// <param name="length">Bytes of it that count; what follows is cut off.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">It is gone, or shorter.</exception>
    IStagedObject Continue(string staged, long length);

    /// <summary>Makes a staged version the object that readers see, in one step.</summary>
    /// <param name="staged">Where the staged version is.</param>
    /// <param name="path">The object's path.</param>
    void Publish(string staged, string path);

    /// <summary>Removes a staged version.</summary>
    /// <param name="staged">Where it is; nothing happens when it is gone.</param>
    void Discard(string staged);

    /// <summary>In the path of a staged version: what follows tells the part of the object that it is. Without points.</summary>
    const char PartMark = '#';

    /// <summary>Removes staged versions of an object, and of its parts, that runs which died left behind.</summary>
    /// <param name="path">The object's path.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">Another run is writing the object now.</exception>
    void DiscardLeftovers(string path);
}

/// <summary>An object as a store lists it.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Name">Its path relative to the fixed part of the wildcard, with forward slashes.</param>
/// <param name="Size">Bytes; null when unknown.</param>
internal sealed record StoredObject(string Path, string Name, long? Size);

/// <summary>A stream whose reads may wait for ever.</summary>
internal interface IInterruptible
{
    /// <summary>Ends the read that waits, and all later ones, with <see cref="OperationCanceledException"/>.</summary>
    void Interrupt();
}

/// <summary>A version of an object while it is written.</summary>
internal interface IStagedObject : IDisposable
{
    /// <summary>Where it is, for <see cref="IObjectStore.Publish"/>; empty when it cannot be published because it went out at once.</summary>
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
}
