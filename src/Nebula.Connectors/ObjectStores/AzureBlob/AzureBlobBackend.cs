using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Nebula.Connectors.ObjectStores.Remote;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.AzureBlob;

/// <summary>
/// One container of Azure Blob Storage. What is staged are blocks of the very blob that they will be part of: nobody sees them until a commit lists them, the
/// blocks of all
/// chunks and attempts keep apart by their identities, and those that no commit ever lists vanish by themselves after a week, or with the next commit of the
/// blob.
/// </summary>
internal sealed class AzureBlobBackend : IRemoteBackend
{
    private const string TokenKey = "nebula_token";
    private const int MostBlocks = 50_000;
    private readonly BlobContainerClient _container;
    private readonly AzureBlobErrors _errors;

    /// <param name="container">The container.</param>
    public AzureBlobBackend(BlobContainerClient container)
    {
        _container = container;
        _errors = new AzureBlobErrors(container.AccountName, container.Name);
        Root = $"az://{container.Name}";
    }

    public string Root { get; }

    public int SmallestPart => 1 << 20;

    public async IAsyncEnumerable<RemoteObject> ListAsync(string prefix, bool recursive, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // where folders are real, they are listed as blobs too, and only their metadata tells
        var pages = _container.GetBlobsByHierarchyAsync(BlobTraits.Metadata, delimiter: recursive ? null : "/", prefix: prefix,
            cancellationToken: cancellationToken).AsPages().GetAsyncEnumerator(cancellationToken);
        await using (pages.ConfigureAwait(false))
            while (await _errors.GuardAsync("", "listed", () => pages.MoveNextAsync().AsTask(), cancellationToken).ConfigureAwait(false))
                foreach (var item in pages.Current.Values)
                    if (item.IsPrefix)
                        yield return new RemoteObject(item.Prefix, 0, "");
                    else if (item.Blob.Metadata?.ContainsKey("hdi_isfolder") != true)
                        yield return new RemoteObject(item.Blob.Name, item.Blob.Properties.ContentLength ?? 0, item.Blob.Properties.ETag?.ToString("H") ?? "");
    }

    public async Task<RemoteObject?> FindAsync(string key, CancellationToken cancellationToken) =>
        await PropertiesAsync(key, cancellationToken).ConfigureAwait(false) is { } answer && answer.Value is var found
            && !found.Metadata.ContainsKey("hdi_isfolder")
            ? new RemoteObject(key, found.ContentLength, found.ETag.ToString("H"))
            {
                Age = answer.GetRawResponse().Headers.Date - found.LastModified ?? TimeSpan.Zero,
            }
            : null;

    public async Task<Stream> OpenRangeAsync(RemoteObject target, long offset, long length, CancellationToken cancellationToken)
    {
        var options = new BlobDownloadOptions
        {
            Range = new HttpRange(offset, length),
            Conditions = new BlobRequestConditions { IfMatch = new ETag(target.Version) }
        };
        var answer = await _errors.GuardAsync(target.Key, "read", () =>
            _container.GetBlobClient(target.Key).DownloadStreamingAsync(options, cancellationToken), cancellationToken).ConfigureAwait(false);
        return new GuardedBody(answer.Value.Content);
    }

    public Task<string?> PutAsync(string key, ReadOnlyMemory<byte> content, string expected, CancellationToken cancellationToken) =>
        _errors.GuardAsync(key, "written", async () =>
    {
        var conditions = expected.Length == 0 ? new BlobRequestConditions { IfNoneMatch = ETag.All }
            : new BlobRequestConditions { IfMatch = new ETag(expected) };
        try
        {
            var written = await _container.GetBlockBlobClient(key).UploadAsync(
                new MemoryStream(content.ToArray()), new BlobUploadOptions { Conditions = conditions }, cancellationToken).ConfigureAwait(false);
            return written.Value.ETag.ToString("H");
        }
        catch (RequestFailedException e) when (e.ErrorCode == "BlobAlreadyExists" || e.Status == 412 || (e.Status == 404 && e.ErrorCode == "BlobNotFound"))
        {
            return null;
        }
    }, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        _errors.GuardAsync(key, "removed", () =>
            _container.GetBlobClient(key).DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: cancellationToken), cancellationToken);

    public IPartUpload Upload(string key, string runId, int? chunkIndex) => new BlockUpload(this, key);

    public async Task<bool> PublishAsync(IReadOnlyList<string> staged, string key, string token, CancellationToken cancellationToken)
    {
        var mark = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        var blocks = staged.Select(StagedBlocks.Parse).ToList();
        if (blocks.Exists(part => part.Key != key))
            throw new ArgumentException($"Blocks of '{blocks[0].Key}' cannot be published as '{key}'.", nameof(staged));
        if (blocks.Sum(static part => (long)part.Count) > MostBlocks)
            throw new NebulaException(ErrorKind.Limit,
                $"'{Root}/{key}' would have more than {MostBlocks} blocks, the most that Azure Blob Storage takes. Set 'file_size' to write several files.");
        if (await IsPublishedAsync(key, mark, cancellationToken).ConfigureAwait(false))
            return false;
        return await _errors.GuardAsync(key, "written", async () =>
        {
            try
            {
                await _container.GetBlockBlobClient(key).CommitBlockListAsync(blocks.SelectMany(static part => part.Identities()),
                    new CommitBlockListOptions { Metadata = new Dictionary<string, string> { [TokenKey] = mark } }, cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (RequestFailedException e) when (e.ErrorCode is "InvalidBlockList" or "InvalidBlockId")
            {
                if (await IsPublishedAsync(key, mark, cancellationToken).ConfigureAwait(false))
                    return false;
                throw new NebulaException(ErrorKind.Fatal,
                    $"'{Root}/{key}' cannot be published: blocks that were staged for it are gone. Another program has written the blob since, "
                    + "or they are older than a week. Run again.", inner: e);
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    // blocks that no commit lists are invisible and vanish by themselves; removing them would take a commit, which somebody would see
    public Task DiscardAsync(string staged, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<string>> FindAbandonedAsync(
        string prefix, Func<string, bool> isTarget, IEnumerable<string> staged, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    public void Dispose()
    {
    }

    private async Task<bool> IsPublishedAsync(string key, string mark, CancellationToken cancellationToken) =>
        await PropertiesAsync(key, cancellationToken).ConfigureAwait(false) is { } there && there.Value.Metadata.TryGetValue(TokenKey, out var found)
            && found == mark;

    private Task<Response<BlobProperties>?> PropertiesAsync(string key, CancellationToken cancellationToken) => _errors.GuardAsync(key, "read", async () =>
    {
        try
        {
            return await _container.GetBlobClient(key).GetPropertiesAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status == 404 && e.ErrorCode is null or "BlobNotFound" or "ResourceNotFound")
        {
            return null;
        }
    }, cancellationToken);

    private sealed class BlockUpload(AzureBlobBackend backend, string key) : IPartUpload
    {
        private readonly string _attempt = Guid.NewGuid().ToString("n");

        public Task AddAsync(int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => content.IsEmpty ? Task.CompletedTask
            : backend._errors.GuardAsync(key, "written", () =>
            {
                var options = new BlockBlobStageBlockOptions
                {
                    TransferValidation = new UploadTransferValidationOptions
                    {
                        ChecksumAlgorithm = StorageChecksumAlgorithm.MD5,
                        PrecalculatedChecksum = TransferChecksum.Of(content.Span)
                    },
                };
                return backend._container.GetBlockBlobClient(key).StageBlockAsync(
                    StagedBlocks.Identity(_attempt, number), TransferBuffer.Open(content), options, cancellationToken);
            }, cancellationToken);

        public string Complete(int parts, long length) => new StagedBlocks(key, _attempt, length == 0 ? 0 : parts).Render();

        public Task AbortAsync() => Task.CompletedTask;
    }

    /// <summary>A body whose failures are all breaks of the connection, whatever the library makes of them.</summary>
    private sealed class GuardedBody(Stream inner) : Files.ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => inner.Read(buffer);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is RequestFailedException { Status: 0 or >= 500 } or AggregateException)
            {
                throw new IOException(e.Message, e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
