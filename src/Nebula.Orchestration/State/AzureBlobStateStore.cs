using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Azure;
using Azure.Identity;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.State;

/// <summary>A state store in a container of Azure Blob Storage: a blob per document. The service compares ETags in the step that replaces a blob, so writers
/// everywhere take turns.</summary>
public sealed class AzureBlobStateStore : IStateStore
{
    private const string Suffix = ".json";
    private const string WriteKey = "nebula_write";
    private readonly BlobContainerClient _container;
    private readonly string _prefix;

    /// <summary>Makes the store.</summary>
    /// <param name="container">The container, which must exist. Its client decides on retries.</param>
    /// <param name="prefix">What names of blobs begin with, as a folder: <c>nebula/state</c>; empty for the whole container.</param>
    public AzureBlobStateStore(BlobContainerClient container, string prefix = "")
    {
        _container = container;
        _prefix = prefix.Trim('/') is { Length: > 0 } folder ? folder + "/" : "";
    }

    /// <inheritdoc/>
    public Task<StateEntry?> GetAsync(string key, CancellationToken cancellationToken)
    {
        StateKeys.Check(key);
        return Guard(key, async () =>
        {
            try
            {
                var found = (await _container.GetBlobClient(NameOf(key)).DownloadContentAsync(cancellationToken).ConfigureAwait(false)).Value;
                return new StateEntry(found.Content.ToMemory(), found.Details.ETag.ToString("H"));
            }
            catch (RequestFailedException e) when (IsMissing(e))
            {
                return null;
            }
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<string> PutAsync(string key, ReadOnlyMemory<byte> content, StateCondition condition, CancellationToken cancellationToken)
    {
        StateKeys.Check(key);
        var write = Guid.NewGuid().ToString("n");
        var options = new BlobUploadOptions
        {
            HttpHeaders = new BlobHttpHeaders { ContentType = "application/json" },
            Metadata = new Dictionary<string, string> { [WriteKey] = write },
            Conditions = condition.ETag switch
            {
                null => null,
                "" => new BlobRequestConditions { IfNoneMatch = ETag.All },
                var expected => new BlobRequestConditions { IfMatch = new ETag(expected) },
            },
        };
        return Guard(key, async () =>
        {
            var blob = _container.GetBlockBlobClient(NameOf(key));
            try
            {
                return (await blob.UploadAsync(new MemoryStream(content.ToArray()), options, cancellationToken).ConfigureAwait(false)).Value.ETag.ToString("H");
            }
            catch (RequestFailedException e) when (e.Status == 412 || e.ErrorCode == "BlobAlreadyExists" || IsMissing(e))
            {
                // an answer that was lost makes the client write again, and then its own first write is in the way
                return await ETagOfAsync(blob, write, cancellationToken).ConfigureAwait(false) ?? throw new StateConflictException(key);
            }
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // escapes stand for one character each, so only what comes before the first can be asked for
        var safe = prefix.Length;
        for (var i = 0; i < prefix.Length && safe == prefix.Length; i++)
            if (prefix[i] == '.' || IsEscaped(prefix, i))
                safe = i;
        var keys = await Guard(prefix, async () =>
        {
            var found = new List<string>();
            await foreach (var blob in _container.GetBlobsAsync(prefix: _prefix + prefix[..safe], cancellationToken: cancellationToken).ConfigureAwait(false))
                if (blob.Name.EndsWith(Suffix, StringComparison.Ordinal) && KeyOf(blob.Name) is var key && key.StartsWith(prefix, StringComparison.Ordinal))
                    found.Add(key);
            found.Sort(StringComparer.Ordinal);
            return found;
        }, cancellationToken).ConfigureAwait(false);
        foreach (var key in keys)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return key;
        }
    }

    /// <inheritdoc/>
    public Task<bool> DeleteAsync(string key, CancellationToken cancellationToken)
    {
        StateKeys.Check(key);
        return Guard(
            key,
            async () => (await _container.GetBlobClient(NameOf(key)).DeleteIfExistsAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).Value,
            cancellationToken);
    }

    private static bool IsMissing(RequestFailedException e) => e.Status == 404 && e.ErrorCode is null or "BlobNotFound" or "ResourceNotFound";

    /// <summary>What the service, or a library on the way to it, would change: control characters, backslashes, points at the end of a segment, and what
    /// escapes.</summary>
    private static bool IsEscaped(string key, int at) =>
        char.IsControl(key[at]) || key[at] is '\\' or '%' || (key[at] == '.' && (at + 1 == key.Length || key[at + 1] == '/'));

    private static async Task<string?> ETagOfAsync(BlockBlobClient blob, string write, CancellationToken cancellationToken)
    {
        try
        {
            var there = (await blob.GetPropertiesAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
            return there.Metadata.TryGetValue(WriteKey, out var found) && found == write ? there.ETag.ToString("H") : null;
        }
        catch (RequestFailedException e) when (IsMissing(e))
        {
            return null;
        }
    }

    private async Task<T> Guard<T>(string key, Func<Task<T>> action, CancellationToken cancellationToken)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (Exception e) when (e is RequestFailedException or AuthenticationFailedException or AggregateException or IOException
            or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw Translate(key, e);
        }
    }

    private NebulaException Translate(string key, Exception e)
    {
        var cause = e is AggregateException { InnerExceptions: [.., var last] } ? last : e;
        var place = $"container '{_container.Name}' of account '{_container.AccountName}'";
        var (kind, why) = cause switch
        {
            AuthenticationFailedException => (ErrorKind.Authentication, "signing in failed or no credentials were found"),
            RequestFailedException { Status: 401 } or RequestFailedException { ErrorCode: "AuthenticationFailed" } =>
                (ErrorKind.Authentication, "the credentials were refused"),
            RequestFailedException { Status: 403 } =>
                (ErrorKind.Permission, "the credentials do not allow it; they need the role Storage Blob Data Contributor"),
            RequestFailedException { Status: 404 } => (ErrorKind.NotFound, "the container does not exist; make it"),
            RequestFailedException { Status: 429 or 503 } => (ErrorKind.Throttled, "the account is busy"),
            _ => (ErrorKind.Transient, "the account cannot be reached"),
        };
        return new NebulaException(kind, $"The state '{key}' in {place} cannot be read or written: {why}.", inner: e);
    }

    private string NameOf(string key)
    {
        var name = new StringBuilder(_prefix, _prefix.Length + key.Length + Suffix.Length);
        for (var i = 0; i < key.Length; i++)
            _ = IsEscaped(key, i) ? name.Append('%').Append(((int)key[i]).ToString("x2", CultureInfo.InvariantCulture)) : name.Append(key[i]);
        return name.Append(Suffix).ToString();
    }

    private string KeyOf(string name)
    {
        var stored = name.AsSpan(_prefix.Length, name.Length - _prefix.Length - Suffix.Length);
        var key = new StringBuilder(stored.Length);
        for (var i = 0; i < stored.Length; i++)
            if (stored[i] == '%' && i + 2 < stored.Length
                && int.TryParse(stored.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var escaped))
            {
                key.Append((char)escaped);
                i += 2;
            }
            else
                key.Append(stored[i]);
        return key.ToString();
    }
}
