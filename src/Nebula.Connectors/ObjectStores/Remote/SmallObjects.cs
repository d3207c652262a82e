using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>Reads objects that fit into memory: manifests, locks.</summary>
internal static class SmallObjects
{
    private const long Largest = 256 << 20;
    private const int MostAttempts = 5;

    /// <summary>Reads an object as a whole.</summary>
    /// <param name="backend">Where it is.</param>
    /// <param name="key">Its key.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Null when there is none.</returns>
    /// <exception cref="NebulaException">It is too large for what it should be, or cannot be read.</exception>
    public static async Task<SmallObject?> ReadAsync(IRemoteBackend backend, string key, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (await backend.FindAsync(key, cancellationToken).ConfigureAwait(false) is not { } found)
                return null;
            if (found.Size > Largest)
                throw new NebulaException(ErrorKind.Data,
                    $"'{backend.Root}/{key}' has {Units.FormatSize(found.Size)}, "
                    + "which is too much for a file that Nebula keeps. Remove it if it is none.");
            try
            {
                var content = new byte[found.Size];
                if (content.Length > 0)
                    await new RangeReader(backend, found).FillAsync(0, content, cancellationToken).ConfigureAwait(false);
                return new SmallObject(content, found.Version);
            }
            catch (NebulaException e) when (e.Kind is ErrorKind.Data or ErrorKind.NotFound && attempt < MostAttempts)
            {
                // replaced or removed since it was looked for
            }
        }
    }
}
