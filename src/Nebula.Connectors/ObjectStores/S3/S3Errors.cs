using Amazon.Runtime;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.S3;

/// <summary>Turns errors of the S3 library into ones that say what to do. Nothing secret is in them: codes and names only.</summary>
/// <param name="bucket">The bucket, for messages.</param>
internal sealed class S3Errors(string bucket)
{
    /// <summary>Runs a call.</summary>
    /// <param name="key">The object, for messages; empty for the bucket.</param>
    /// <param name="verb">What was tried: <c>read</c>, <c>written</c>.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">The token that the call was given.</param>
    public async Task<T> GuardAsync<T>(string key, string verb, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not NebulaException && !cancellationToken.IsCancellationRequested
            && Translate(e, key.Length == 0 ? $"s3://{bucket}" : $"s3://{bucket}/{key}", verb) is { } translated)
        {
            throw translated;
        }
    }

    private NebulaException? Translate(Exception e, string name, string verb) => e switch
    {
        AmazonServiceException { StatusCode: > 0 } failed => OfStatus(failed, name, verb),
        AmazonServiceException or HttpRequestException or IOException or TimeoutException or OperationCanceledException =>
            new NebulaException(ErrorKind.Transient, $"'{name}' cannot be {verb}: the service cannot be reached. {FirstLine(e.InnerException ?? e)}", inner: e),
        AmazonClientException => new NebulaException(ErrorKind.Authentication,
            $"'{name}' cannot be {verb}: no credentials were found. Set 'access_key_id' and 'secret_access_key', "
            + "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.",
            inner: e),
        _ => null,
    };

    private NebulaException OfStatus(AmazonServiceException e, string name, string verb)
    {
        var status = (int)e.StatusCode;
        var code = string.IsNullOrEmpty(e.ErrorCode) || e.ErrorCode.All(char.IsAsciiDigit) ? $"HTTP {status}" : e.ErrorCode;
        var (kind, advice) = (status, code) switch
        {
            (_, "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "ExpiredToken"
                or "InvalidToken" or "TokenRefreshRequired" or "InvalidClientTokenId") or (401, _) =>
                (ErrorKind.Authentication, "The credentials were refused. Check access key, secret and token, and how long they are good for."),
            (_, "RequestTimeTooSkewed") => (ErrorKind.Authentication, "The clock of this machine is wrong."),
            (_, "PermanentRedirect" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException" or "TemporaryRedirect") or (301 or 307, _) =>
                (ErrorKind.Configuration, $"Bucket '{bucket}' is in another region. Set 'region' to the bucket's."),
            (403, _) => (ErrorKind.Permission,
                $"Access to bucket '{bucket}' was refused: the credentials are wrong, or do not allow it. "
                + "To read, they need s3:GetObject and s3:ListBucket; to write, s3:PutObject, s3:GetObject, s3:DeleteObject, "
                + "s3:AbortMultipartUpload, s3:ListMultipartUploadParts and s3:ListBucketMultipartUploads besides."),
            (404, "NoSuchBucket") => (ErrorKind.NotFound, $"There is no bucket '{bucket}'. Make it, or correct the path, the region or the endpoint."),
            (404, _) => (ErrorKind.NotFound, $"It does not exist in bucket '{bucket}'."),
            (412, _) when verb == "read" =>
                (ErrorKind.Data, "It was changed after the run had found it, and rows of two versions must not be mixed. Run again to read the new version."),
            (_, "ConditionalRequestConflict" or "OperationAborted") => (ErrorKind.Transient, "Others write it at the same time. Run again."),
            (409 or 412, _) => (ErrorKind.Locked, "Somebody else is changing it. Run again when that is over."),
            (_, "InvalidObjectState") => (ErrorKind.Permission, "It is archived. Restore it first."),
            (429, _) or (503, _) or (_, "SlowDown") => (ErrorKind.Throttled, $"Bucket '{bucket}' is busy. Run with less at a time, or later."),
            ( >= 500, _) => (ErrorKind.Transient, "The service has a problem. Run again."),
            _ => (ErrorKind.Fatal, FirstLine(e)),
        };
        return new NebulaException(kind, $"'{name}' cannot be {verb} ({code}). {advice}", inner: e);
    }

    private static string FirstLine(Exception e) => e.Message.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? e.Message[..end] : e.Message;
}
