using Azure;
using Azure.Identity;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.AzureBlob;

/// <summary>Turns errors of Azure's library into ones that say what to do. Nothing secret is in them: codes and names only.</summary>
/// <param name="account">The storage account, for messages.</param>
/// <param name="container">The container, for messages.</param>
internal sealed class AzureBlobErrors(string account, string container)
{
    private string Place => $"az://{container}";

    /// <summary>Runs a call.</summary>
    /// <param name="key">The blob, for messages; empty for the container.</param>
    /// <param name="verb">What was tried: <c>read</c>, <c>written</c>.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">The token that the call was given.</param>
    public async Task<T> GuardAsync<T>(string key, string verb, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not NebulaException && !cancellationToken.IsCancellationRequested && Translate(e, key, verb) is { } translated)
        {
            throw translated;
        }
    }

    private NebulaException? Translate(Exception e, string key, string verb)
    {
        var name = key.Length == 0 ? Place : $"{Place}/{key}";
        return e switch
        {
            AggregateException { InnerExceptions: [.., var last] } => Translate(last, key, verb),
            RequestFailedException failed => OfStatus(failed, name, verb),
            CredentialUnavailableException => new NebulaException(ErrorKind.Authentication,
                $"'{name}' cannot be {verb}: no credentials were found. "
                + "Set 'connection_string', 'account_key' or 'sas_token' (or their environment variables), or sign in with 'az login'.", inner: e),
            AuthenticationFailedException =>
                new NebulaException(ErrorKind.Authentication, $"'{name}' cannot be {verb}: signing in failed. {FirstLine(e)}", inner: e),
            OperationCanceledException or TimeoutException =>
                new NebulaException(ErrorKind.Transient, $"'{name}' cannot be {verb}: account '{account}' does not answer.", inner: e),
            IOException or HttpRequestException => new NebulaException(ErrorKind.Transient, $"'{name}' cannot be {verb}: {FirstLine(e)}", inner: e),
            _ => null,
        };
    }

    private NebulaException OfStatus(RequestFailedException e, string name, string verb)
    {
        var code = string.IsNullOrEmpty(e.ErrorCode) ? $"HTTP {e.Status}" : e.ErrorCode;
        var (kind, advice) = (e.Status, e.ErrorCode) switch
        {
            (_, "AuthenticationFailed" or "InvalidAuthenticationInfo" or "NoAuthenticationInformation") or (401, _) =>
                (ErrorKind.Authentication,
                    $"Account '{account}' refused the credentials. Check the key, the signature and how long it is good for, or the identity's tenant."),
            (403, _) => (ErrorKind.Permission, $"Account '{account}' refused access: the credentials are wrong, or do not allow it. "
                + "Identities need the role Storage Blob Data Reader to read and Storage Blob Data Contributor to write; "
                + "signatures need the permissions r and l to read, and c, w, d besides to write. The account's firewall may also be in the way."),
            (404, "ContainerNotFound") => (ErrorKind.NotFound, $"Account '{account}' has no container '{container}'. Make it, or correct the path."),
            (404, "ContainerBeingDeleted") or (409, "ContainerBeingDeleted") =>
                (ErrorKind.NotFound, $"Container '{container}' of account '{account}' is being deleted."),
            (404, _) => (ErrorKind.NotFound, $"It does not exist in account '{account}'."),
            (412, "ConditionNotMet") when verb == "read" =>
                (ErrorKind.Data, "It was changed after the run had found it, and rows of two versions must not be mixed. Run again to read the new version."),
            (412, "LeaseIdMissing") or (409, "LeaseAlreadyPresent" or "LeaseIdMismatchWithBlobOperation") =>
                (ErrorKind.Locked, "Somebody holds a lease on it. Wait until that is given back."),
            (409 or 412, _) => (ErrorKind.Locked, "Somebody else is changing it. Run again when that is over."),
            (400, "InvalidBlobOrBlock") =>
                (ErrorKind.Locked, "Another program has unfinished blocks there, of another form. They expire after a week; or write to another path."),
            (429, _) or (503, _) => (ErrorKind.Throttled, $"Account '{account}' is busy. Run with less at a time, or later."),
            (0, _) => (ErrorKind.Transient, $"Account '{account}' cannot be reached: {FirstLine(e.InnerException ?? e)}"),
            ( >= 500, _) => (ErrorKind.Transient, $"Account '{account}' has a problem. Run again."),
            _ => (ErrorKind.Fatal, FirstLine(e)),
        };
        return new NebulaException(kind, $"'{name}' cannot be {verb} ({code}). {advice}", inner: e);
    }

    private static string FirstLine(Exception e) => e.Message.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? e.Message[..end] : e.Message;
}
