namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>What a service that keeps objects under keys can do. All that stores have in common is in <see cref="RemoteStore"/>; a new service is one more of
/// these.</summary>
/// <remarks>Every failure is a <see cref="Engine.Diagnostics.NebulaException"/> that says what to do. Calls are repeated by the service's own library when the
/// way to it fails.</remarks>
internal interface IRemoteBackend : IDisposable
{
    /// <summary>What paths of this container begin with, without a slash at the end: <c>az://container</c>.</summary>
    string Root { get; }

    /// <summary>Least bytes that a part of an upload should have.</summary>
    int SmallestPart { get; }

    /// <summary>Lists objects in ordinal order of their keys.</summary>
    /// <param name="prefix">What keys begin with.</param>
    /// <param name="recursive">Whether keys may have slashes behind the prefix; if not, folders are listed in their place.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    IAsyncEnumerable<RemoteObject> ListAsync(string prefix, bool recursive, CancellationToken cancellationToken);

    /// <summary>Looks for an object.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Null when there is none.</returns>
    Task<RemoteObject?> FindAsync(string key, CancellationToken cancellationToken);

    /// <summary>Asks for bytes of just one version of an object.</summary>
    /// <param name="target">The object.</param>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Their number, at least 1.</param>
    /// <param name="cancellationToken">Stops the call, not reading the answer.</param>
    /// <returns>The answer's body, which may break off.</returns>
    Task<Stream> OpenRangeAsync(RemoteObject target, long offset, long length, CancellationToken cancellationToken);

    /// <summary>Writes a small object in one step.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="expected">The version that must be there; empty when there must be none.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The new version; null when something else was there.</returns>
    Task<string?> PutAsync(string key, ReadOnlyMemory<byte> content, string expected, CancellationToken cancellationToken);

    /// <summary>Removes an object; nothing happens when it is gone.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task DeleteAsync(string key, CancellationToken cancellationToken);

    /// <summary>Begins an upload that stays invisible. Nothing is sent yet.</summary>
    /// <param name="key">Where it goes.</param>
    /// <param name="runId">Identity of the run.</param>
    /// <param name="chunkIndex">The chunk, when several uploads are joined; null for a whole object.</param>
    IPartUpload Upload(string key, string runId, int? chunkIndex);

    /// <summary>Makes uploads, joined in order, an object in one step.</summary>
    /// <param name="staged">What <see cref="IPartUpload.Complete"/> gave.</param>
    /// <param name="key">Where they go.</param>
    /// <param name="token">Identity of the commit.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>False when it had been done before.</returns>
    Task<bool> PublishAsync(IReadOnlyList<string> staged, string key, string token, CancellationToken cancellationToken);

    /// <summary>Gives up an upload that is complete and was not published.</summary>
    /// <param name="staged">What <see cref="IPartUpload.Complete"/> gave.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task DiscardAsync(string staged, CancellationToken cancellationToken);

    /// <summary>Finds uploads that attempts which died left behind, and hidden objects that they were to be joined from.</summary>
    /// <param name="prefix">What their keys begin with.</param>
    /// <param name="isTarget">Whether a key is one that the run which asks writes.</param>
    /// <param name="staged">What <see cref="IPartUpload.Complete"/> gave for those that are published.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The others, for <see cref="DiscardAsync"/>.</returns>
    Task<IReadOnlyList<string>> FindAbandonedAsync(
        string prefix, Func<string, bool> isTarget, IEnumerable<string> staged, CancellationToken cancellationToken);
}

/// <summary>An object, or a folder that a listing shows.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Version">Names this content.</param>
internal sealed record RemoteObject(string Key, long Size, string Version)
{
    /// <summary>Whether it is only what keys have in common.</summary>
    public bool IsFolder => Key.EndsWith('/');

    /// <summary>How long it has not been changed, by the clock of the service alone; zero where it was only listed, or the service does not tell.</summary>
    public TimeSpan Age { get; init; }
}

/// <summary>One attempt at an upload. Parts may be added at the same time; the object has them in the order of their numbers.</summary>
internal interface IPartUpload
{
    /// <summary>Adds a part.</summary>
    /// <param name="number">Its number, from 0, without gaps.</param>
    /// <param name="content">Its bytes, not touched after the call has ended.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task AddAsync(int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Ends the upload: where it is, and what proves that it is this one, as text.</summary>
    /// <param name="parts">Number of parts that were added.</param>
    /// <param name="length">Their bytes.</param>
    string Complete(int parts, long length);

    /// <summary>Gives the upload up. Throws nothing.</summary>
    Task AbortAsync();
}
