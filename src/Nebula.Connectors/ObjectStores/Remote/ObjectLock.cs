using System.Buffers;
using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>
/// Tells other runs that a target is taken: a small hidden object that its run replaces every few seconds, and only if nobody else did. One that has not
/// changed for the time in <see cref="Lifetime"/> belongs to a run that died. Clocks need not agree: the time is what the service says by its clock alone
/// (<see cref="RemoteObject.Age"/>), so that of many locks of a run only the first are waited for, or else what passes by one's own while one looks.
/// </summary>
/// <remarks>The lock is a courtesy that saves work. What keeps two runs from mixing their rows is that objects appear in one step and manifests are only
/// replaced by whoever
/// has read them.</remarks>
internal sealed class ObjectLock : IDisposable
{
    /// <summary>How often a run shows that it lives.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);

    /// <summary>How long a run may be silent before it counts as dead.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private readonly IRemoteBackend _backend;
    private readonly string _key;
    private readonly string _runId;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _renewing;
    private string _version;
    private volatile bool _isLost;

    private ObjectLock(IRemoteBackend backend, string key, string runId, string version)
    {
        (_backend, _key, _runId, _version) = (backend, key, runId, version);
        _renewing = Task.Run(RenewAsync);
    }

    /// <summary>Whether another run has taken the lock since, because this one was silent for too long.</summary>
    public bool IsLost => _isLost;

    /// <summary>Takes the lock. Waits for one whose run may have died.</summary>
    /// <param name="backend">Where the lock is.</param>
    /// <param name="key">Its key.</param>
    /// <param name="runId">Identity of the run.</param>
    /// <param name="target">What is locked, for messages.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="NebulaException">Another run has it, and lives.</exception>
    public static async Task<ObjectLock> TakeAsync(IRemoteBackend backend, string key, string runId, string target, CancellationToken cancellationToken)
    {
        var seen = "";
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (holder, version) = await ReadAsync(backend, key, cancellationToken).ConfigureAwait(false);
            if (version.Length == 0 || holder == runId || (version == seen && TimeProvider.System.GetElapsedTime(since) >= Lifetime)
                || await IsOldAsync(backend, key, version, cancellationToken).ConfigureAwait(false))
            {
                if (await backend.PutAsync(key, Render(runId), version, cancellationToken).ConfigureAwait(false) is { } taken)
                    return new ObjectLock(backend, key, runId, taken);
                // somebody was faster: that one lives
                seen = "";
                continue;
            }
            if (seen.Length == 0)
                (seen, since) = (version, TimeProvider.System.GetTimestamp());
            else if (version != seen)
                throw new NebulaException(ErrorKind.Locked, $"Another run ({holder}) is writing '{target}' now. Wait for it, or write to another path.");
            await Task.Delay(Look, cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _renewing.GetAwaiter().GetResult();
        _stop.Dispose();
        if (_isLost)
            return;
        try
        {
            _backend.DeleteAsync(_key, CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (NebulaException)
        {
            // it grows old by itself
        }
    }

    private static async Task<bool> IsOldAsync(IRemoteBackend backend, string key, string version, CancellationToken cancellationToken) =>
        await backend.FindAsync(key, cancellationToken).ConfigureAwait(false) is { } found && found.Version == version && found.Age >= Lifetime;

    private static ReadOnlyMemory<byte> Render(string runId)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("run", runId);
            json.WriteString("renewal", Guid.NewGuid());
            json.WriteEndObject();
        }
        return bytes.WrittenMemory;
    }

    private static async Task<(string Holder, string Version)> ReadAsync(IRemoteBackend backend, string key, CancellationToken cancellationToken)
    {
        if (await SmallObjects.ReadAsync(backend, key, cancellationToken).ConfigureAwait(false) is not { } stored)
            return ("", "");
        try
        {
            using var json = JsonDocument.Parse(stored.Content);
            return (json.RootElement.GetProperty("run").GetString() ?? "", stored.Version);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return ("unknown", stored.Version);
        }
    }

    private async Task RenewAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Renewal, _stop.Token).ConfigureAwait(false);
                try
                {
                    if (await _backend.PutAsync(_key, Render(_runId), _version, _stop.Token).ConfigureAwait(false) is { } renewed)
                    {
                        _version = renewed;
                        continue;
                    }
                    // the answer to a renewal was lost, or another process of the run has claimed the target as well, and may have given it back
                    (var holder, _version) = await ReadAsync(_backend, _key, _stop.Token).ConfigureAwait(false);
                    if (_version.Length > 0 && holder != _runId)
                    {
                        _isLost = true;
                        return;
                    }
                }
                catch (NebulaException)
                {
                    // the next one may get through; if none does, others take the lock, and publishing is refused
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
