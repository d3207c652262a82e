using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Nebula.Connectors.ObjectStores.Remote;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.S3;

/// <summary>
/// One bucket of S3, or of a service like it. What is staged is a multipart upload that is not completed: nobody sees it, and publishing completes it.
/// A chunk that is joined with others is an upload of a hidden key; publishing completes these, has the service copy them into one more upload, and
/// completes that (see <see cref="S3Join"/>).
/// </summary>
internal sealed class S3Backend : IRemoteBackend
{
    /// <summary>Metadata that names the attempt which an object is.</summary>
    public const string AttemptKey = "nebula-attempt";

    /// <summary>Metadata that names the commit which joined an object.</summary>
    public const string TokenKey = "nebula-token";

    private const int MostConflicts = 6;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private readonly AmazonS3Client _client;
    private readonly string _bucket;
    private readonly S3Errors _errors;
    private long _answeredAt;

    /// <param name="client">The client, which this owns.</param>
    /// <param name="bucket">The bucket.</param>
    public S3Backend(AmazonS3Client client, string bucket)
    {
        (_client, _bucket, _errors) = (client, bucket, new S3Errors(bucket));
        IsEncrypted = client.Config.ServiceURL?.StartsWith("http://", StringComparison.OrdinalIgnoreCase) != true;
        // the time of an answer is in a header that only this shows
        client.AfterResponseEvent += (_, e) => NoteTime(e);
    }

    public string Root => $"s3://{_bucket}";

    // only the last part may be smaller
    public int SmallestPart => 5 << 20;

    /// <summary>The client.</summary>
    public IAmazonS3 Client => _client;

    /// <summary>The bucket.</summary>
    public string Bucket => _bucket;

    /// <summary>What an object that is written with one call is signed with: all of it, or over an encrypted connection only what is around it.</summary>
    public bool IsEncrypted { get; }

    public async IAsyncEnumerable<RemoteObject> ListAsync(string prefix, bool recursive, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = _bucket, Prefix = prefix, Delimiter = recursive ? null : "/" };
        do
        {
            var page = await _errors.GuardAsync("", "listed", () =>
                _client.ListObjectsV2Async(request, cancellationToken), cancellationToken).ConfigureAwait(false);
            foreach (var folder in page.CommonPrefixes ?? [])
                yield return new RemoteObject(folder, 0, "");
            foreach (var item in page.S3Objects ?? [])
                yield return new RemoteObject(item.Key, item.Size ?? 0, item.ETag ?? "");
            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    public async Task<RemoteObject?> FindAsync(string key, CancellationToken cancellationToken) =>
        await HeadAsync(key, cancellationToken).ConfigureAwait(false) is { } found
            ? new RemoteObject(key, found.ContentLength, found.ETag) { Age = AgeOf(found) } : null;

    public async Task<Stream> OpenRangeAsync(RemoteObject target, long offset, long length, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest
        {
            BucketName = _bucket,
            Key = target.Key,
            ByteRange = new ByteRange(offset, offset + length - 1),
            EtagToMatch = target.Version
        };
        var answer = await _errors.GuardAsync(target.Key, "read", () =>
            _client.GetObjectAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
        if (answer.HttpStatusCode == HttpStatusCode.PartialContent || answer.ContentLength == length)
            return answer.ResponseStream;
        answer.Dispose();
        throw new NebulaException(ErrorKind.Fatal,
            $"'{Root}/{target.Key}' cannot be read: "
            + $"the service does not answer with the {length} bytes that it was asked for, but with {answer.ContentLength}.");
    }

    public Task<string?> PutAsync(string key, ReadOnlyMemory<byte> content, string expected, CancellationToken cancellationToken) =>
        _errors.GuardAsync(key, "written", async () =>
    {
        var bytes = content.ToArray();
        for (var attempt = 1; ; attempt++)
            try
            {
                return (await _client.PutObjectAsync(new PutObjectRequest
                {
                    BucketName = _bucket,
                    Key = key,
                    InputStream = new MemoryStream(bytes),
                    MD5Digest = Convert.ToBase64String(TransferChecksum.Of(bytes)),
                    UseChunkEncoding = false,
                    DisablePayloadSigning = IsEncrypted,
                    IfNoneMatch = expected.Length == 0 ? "*" : null,
                    IfMatch = expected.Length == 0 ? null : expected,
                }, cancellationToken).ConfigureAwait(false)).ETag;
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed || e.ErrorCode == "NoSuchKey")
            {
                return null;
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.Conflict && attempt < MostConflicts)
            {
                // another condition on the object is being decided just now, so that nothing is known yet (S3 API reference, PutObject, If-Match)
                await Task.Delay(FirstPause * (1 << attempt), cancellationToken).ConfigureAwait(false);
            }
    }, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        _errors.GuardAsync(key, "removed", () => _client.DeleteObjectAsync(_bucket, key, cancellationToken), cancellationToken);

    public IPartUpload Upload(string key, string runId, int? chunkIndex)
    {
        var attempt = Guid.NewGuid().ToString("n");
        return new MultipartUpload(this, chunkIndex is null ? key : RemoteStore.Hidden(key, $"{runId.Replace('.', '-')}-{chunkIndex}-{attempt}"), attempt);
    }

    public async Task<bool> PublishAsync(IReadOnlyList<string> staged, string key, string token, CancellationToken cancellationToken)
    {
        var parts = staged.Select(StagedParts.Parse).ToList();
        if (parts is [var only] && only.Key == key)
            return await FinishAsync(only, cancellationToken).ConfigureAwait(false);
        var mark = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        var isDone = await HeadAsync(key, cancellationToken).ConfigureAwait(false) is { } there && there.Metadata[TokenKey] == mark;
        if (!isDone)
            try
            {
                foreach (var part in parts)
                    await FinishAsync(part, cancellationToken).ConfigureAwait(false);
                using var join = new S3Join(this, key, mark);
                await _errors.GuardAsync(key, "written", () => join.JoinAsync(parts, cancellationToken), cancellationToken).ConfigureAwait(false);
            }
            catch (NebulaException e) when (e.InnerException is AmazonS3Exception { ErrorCode: "NoSuchKey" or "NoSuchUpload" })
            {
                throw Gone(key, ErrorKind.Transient, e);
            }
        foreach (var part in parts)
            await DeleteAsync(part.Key, cancellationToken).ConfigureAwait(false);
        return !isDone;
    }

    public async Task DiscardAsync(string staged, CancellationToken cancellationToken)
    {
        var parts = StagedParts.Parse(staged);
        if (parts.UploadId.Length > 0)
            await AbortAsync(parts.Key, parts.UploadId, cancellationToken).ConfigureAwait(false);
        if (parts.Key.EndsWith(IObjectStore.StagedSuffix, StringComparison.Ordinal))
            await DeleteAsync(parts.Key, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<string>> FindAbandonedAsync(
        string prefix, Func<string, bool> isTarget, IEnumerable<string> staged, CancellationToken cancellationToken)
    {
        var published = staged.Select(StagedParts.Parse).ToList();
        var uploads = published.Select(static parts => parts.UploadId).ToHashSet(StringComparer.Ordinal);
        var keys = published.Select(static parts => parts.Key).ToHashSet(StringComparer.Ordinal);
        var found = new List<string>();
        var request = new ListMultipartUploadsRequest { BucketName = _bucket, Prefix = prefix };
        ListMultipartUploadsResponse page;
        do
        {
            page = await _errors.GuardAsync("", "listed", () =>
                _client.ListMultipartUploadsAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
            foreach (var upload in page.MultipartUploads ?? [])
                if (isTarget(upload.Key) && !uploads.Contains(upload.UploadId))
                    found.Add(StagedParts.Abandoned(upload.Key, upload.UploadId).Render());
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
        while (page.IsTruncated == true);
        await foreach (var item in ListAsync(prefix, recursive: false, cancellationToken).ConfigureAwait(false))
            if (item.Key.EndsWith(IObjectStore.StagedSuffix, StringComparison.Ordinal) && isTarget(item.Key) && !keys.Contains(item.Key))
                found.Add(StagedParts.Abandoned(item.Key, "").Render());
        return found;
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Starts an upload.</summary>
    /// <param name="key">The object.</param>
    /// <param name="metadata">Name and value of the metadata that tells which upload it was.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Its identity.</returns>
    public Task<string> StartAsync(string key, (string Name, string Value) metadata, CancellationToken cancellationToken) =>
        _errors.GuardAsync(key, "written", async () =>
    {
        var request = new InitiateMultipartUploadRequest { BucketName = _bucket, Key = key };
        request.Metadata.Add(metadata.Name, metadata.Value);
        return (await _client.InitiateMultipartUploadAsync(request, cancellationToken).ConfigureAwait(false)).UploadId;
    }, cancellationToken);

    /// <summary>Adds a part to an upload.</summary>
    /// <param name="key">The object.</param>
    /// <param name="uploadId">The upload.</param>
    /// <param name="number">The part's number, from 1.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>What names the part when the upload is completed.</returns>
    public Task<PartETag> AddAsync(string key, string uploadId, int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        _errors.GuardAsync(key, "written", async () =>
    {
        var answer = await _client.UploadPartAsync(new UploadPartRequest
        {
            BucketName = _bucket,
            Key = key,
            UploadId = uploadId,
            PartNumber = number,
            PartSize = content.Length,
            InputStream = TransferBuffer.Open(content),
            MD5Digest = Convert.ToBase64String(TransferChecksum.Of(content.Span)),
            UseChunkEncoding = false,
            DisablePayloadSigning = IsEncrypted,
        }, cancellationToken).ConfigureAwait(false);
        return new PartETag(number, answer.ETag);
    }, cancellationToken);

    /// <summary>Gives an upload up; nothing happens when it is gone.</summary>
    /// <param name="key">The object.</param>
    /// <param name="uploadId">The upload.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public Task AbortAsync(string key, string uploadId, CancellationToken cancellationToken) => _errors.GuardAsync(key, "removed", async () =>
    {
        try
        {
            await _client.AbortMultipartUploadAsync(_bucket, key, uploadId, cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            // published or given up before
        }
        return true;
    }, cancellationToken);

    /// <summary>Completes a staged upload.</summary>
    private Task<bool> FinishAsync(StagedParts staged, CancellationToken cancellationToken) => _errors.GuardAsync(staged.Key, "written", async () =>
    {
        try
        {
            var request = new CompleteMultipartUploadRequest
            {
                BucketName = _bucket,
                Key = staged.Key,
                UploadId = staged.UploadId,
                PartETags = await PartsOfAsync(staged, cancellationToken).ConfigureAwait(false)
            };
            await _client.CompleteMultipartUploadAsync(request, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchUpload")
        {
            if (await HeadAsync(staged.Key, cancellationToken).ConfigureAwait(false) is { } there && there.Metadata[AttemptKey] == staged.Attempt)
                return false;
            throw Gone(staged.Key, ErrorKind.Transient, e);
        }
    }, cancellationToken);

    private async Task<List<PartETag>> PartsOfAsync(StagedParts staged, CancellationToken cancellationToken)
    {
        var parts = new List<PartETag>(staged.Count);
        var length = 0L;
        var request = new ListPartsRequest { BucketName = _bucket, Key = staged.Key, UploadId = staged.UploadId };
        ListPartsResponse page;
        do
        {
            page = await _client.ListPartsAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (var part in page.Parts ?? [])
            {
                parts.Add(new PartETag(part.PartNumber ?? 0, part.ETag));
                length += part.Size ?? 0;
            }
            request.PartNumberMarker = page.NextPartNumberMarker?.ToString(CultureInfo.InvariantCulture);
        }
        while (page.IsTruncated == true);
        return parts.Count == staged.Count && length == staged.Length ? parts : throw Gone(staged.Key, ErrorKind.Fatal, null);
    }

    /// <summary>What was staged is gone. Transient where another attempt at the same commit may have it: then the next one finds it published.</summary>
    private NebulaException Gone(string key, ErrorKind kind, Exception? inner) => new(kind,
        $"'{Root}/{key}' cannot be published: what was staged for it is gone. "
        + "Another run, or a rule of the bucket, has aborted the upload. Run again.", inner: inner);

    /// <summary>Time between the change of an object and the last answer, both as the service gives them.</summary>
    private TimeSpan AgeOf(GetObjectMetadataResponse found) =>
        Interlocked.Read(ref _answeredAt) is var now and > 0 && found.LastModified is { } changed
            ? TimeSpan.FromTicks(now - changed.ToUniversalTime().Ticks) : TimeSpan.Zero;

    private void NoteTime(ResponseEventArgs answer)
    {
        if (answer is WebServiceResponseEventArgs { ResponseHeaders: { } headers } && headers.TryGetValue("Date", out var date)
            && DateTimeOffset.TryParseExact(date, "r", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            Interlocked.Exchange(ref _answeredAt, time.UtcTicks);
    }

    private Task<GetObjectMetadataResponse?> HeadAsync(string key, CancellationToken cancellationToken) => _errors.GuardAsync(key, "read", async () =>
    {
        try
        {
            return await _client.GetObjectMetadataAsync(_bucket, key, cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }, cancellationToken);

    private sealed class MultipartUpload(S3Backend backend, string key, string attempt) : IPartUpload
    {
        private readonly Lock _lock = new();
        private Task<string>? _started;

        public async Task AddAsync(int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
            await backend.AddAsync(key, await UploadIdAsync().ConfigureAwait(false), number + 1, content, cancellationToken).ConfigureAwait(false);

        public string Complete(int parts, long length) => new StagedParts(key, _started!.GetAwaiter().GetResult(), attempt, parts, length).Render();

        public async Task AbortAsync()
        {
            if (_started is null)
                return;
            try
            {
                await backend.AbortAsync(key, await _started.ConfigureAwait(false), CancellationToken.None).ConfigureAwait(false);
            }
            catch (NebulaException)
            {
                // the next run that writes this object finds it
            }
        }

        /// <summary>Started by the first part; not stopped with it, or an upload that nobody knows would be left.</summary>
        private Task<string> UploadIdAsync()
        {
            lock (_lock)
                return _started ??= backend.StartAsync(key, (AttemptKey, attempt), CancellationToken.None);
        }
    }
}
