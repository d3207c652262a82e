using Amazon.S3.Model;

namespace Nebula.Connectors.ObjectStores.S3;

/// <summary>
/// Joins objects to one: the service copies them, part by part, into a new upload. Parts must have 5 MiB, all but the last; what is smaller is read, put
/// together with the start of
/// what follows, and uploaded.
/// </summary>
/// <param name="backend">Where the objects are.</param>
/// <param name="key">The object that they become.</param>
/// <param name="mark">Names the commit, in the object's metadata.</param>
internal sealed class S3Join(S3Backend backend, string key, string mark) : IDisposable
{
    private const int SmallestPart = 5 << 20;
    private const long LargestCopy = 1L << 30;
    private const int CopiesUnderWay = 8;
    private readonly MemoryStream _pending = new();
    private readonly List<Task<PartETag>> _parts = [];
    private readonly SemaphoreSlim _slots = new(CopiesUnderWay);
    private string _uploadId = "";

    /// <summary>Joins objects. Nothing is left of it when it fails.</summary>
    /// <param name="objects">The objects, in order.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task<bool> JoinAsync(IReadOnlyList<StagedParts> objects, CancellationToken cancellationToken)
    {
        _uploadId = await backend.StartAsync(key, (S3Backend.TokenKey, mark), cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var piece in objects)
                await AddAsync(piece, cancellationToken).ConfigureAwait(false);
            if (_pending.Length > 0 || _parts.Count == 0)
                SendPending(cancellationToken);
            await backend.Client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
            {
                BucketName = backend.Bucket,
                Key = key,
                UploadId = _uploadId,
                PartETags = [.. await Task.WhenAll(_parts).ConfigureAwait(false)],
            }, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch
        {
            await Task.WhenAll(
                _parts.Select(static part => part.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default))).ConfigureAwait(false);
            await backend.AbortAsync(key, _uploadId, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    public void Dispose()
    {
        _pending.Dispose();
        _slots.Dispose();
    }

    private async Task AddAsync(StagedParts piece, CancellationToken cancellationToken)
    {
        var offset = 0L;
        if (_pending.Length > 0 || piece.Length < SmallestPart)
        {
            // as much as makes the pending bytes a part; all of it where the rest would be too small to be copied
            var missing = Math.Min(SmallestPart - _pending.Length, piece.Length);
            offset = piece.Length - missing < SmallestPart ? piece.Length : missing;
            await ReadAsync(piece.Key, offset, cancellationToken).ConfigureAwait(false);
            if (_pending.Length >= SmallestPart)
                SendPending(cancellationToken);
        }
        while (offset < piece.Length)
        {
            // the last two share what is left, so that neither is too small
            var left = piece.Length - offset;
            var length = left <= LargestCopy ? left : left < LargestCopy + SmallestPart ? left / 2 : LargestCopy;
            _parts.Add(CopyAsync(piece.Key, offset, length, _parts.Count + 1, cancellationToken));
            offset += length;
        }
    }

    private async Task ReadAsync(string from, long length, CancellationToken cancellationToken)
    {
        if (length == 0)
            return;
        using var answer = await backend.Client.GetObjectAsync(
            new GetObjectRequest { BucketName = backend.Bucket, Key = from, ByteRange = new ByteRange(0, length - 1) }, cancellationToken)
            .ConfigureAwait(false);
        var before = _pending.Length;
        await answer.ResponseStream.CopyToAsync(_pending, cancellationToken).ConfigureAwait(false);
        if (_pending.Length - before != length)
            throw new IOException($"only {_pending.Length - before} of {length} bytes came");
    }

    private void SendPending(CancellationToken cancellationToken)
    {
        _parts.Add(backend.AddAsync(key, _uploadId, _parts.Count + 1, _pending.ToArray(), cancellationToken));
        _pending.SetLength(0);
    }

    private async Task<PartETag> CopyAsync(string from, long offset, long length, int number, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var answer = await backend.Client.CopyPartAsync(new CopyPartRequest
            {
                SourceBucket = backend.Bucket,
                SourceKey = from,
                DestinationBucket = backend.Bucket,
                DestinationKey = key,
                UploadId = _uploadId,
                PartNumber = number,
                FirstByte = offset,
                LastByte = offset + length - 1,
            }, cancellationToken).ConfigureAwait(false);
            return new PartETag(number, answer.ETag);
        }
        finally
        {
            _slots.Release();
        }
    }
}
