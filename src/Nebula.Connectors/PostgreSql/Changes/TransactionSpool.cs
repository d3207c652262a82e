using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Files for what came of transactions that have not ended. A file has no name for longer than it takes to open it, where the system allows that, and goes
/// with the process anywhere.
/// </summary>
/// <param name="folder">Where they are.</param>
/// <param name="limit">Most bytes of all together.</param>
internal sealed class TransactionSpool(string folder, long limit)
{
    private const string Prefix = "nebula-changes-";

    // a file that was just made may be one that somebody is about to lock
    private static readonly TimeSpan OpeningTime = TimeSpan.FromMinutes(1);
    private bool _isSwept;

    /// <summary>Bytes in use.</summary>
    public long Bytes { get; private set; }

    /// <summary>Opens a file that is nobody else's.</summary>
    /// <exception cref="NebulaException">It cannot be made.</exception>
    public FileStream Open()
    {
        var path = Path.Combine(folder, $"{Prefix}{Guid.NewGuid():N}");
        FileStream? file = null;
        try
        {
            Directory.CreateDirectory(folder);
            Sweep();
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.Delete,
                BufferSize = 0,
                Options = System.IO.FileOptions.DeleteOnClose,
            };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            file = new FileStream(path, options);
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
            return file;
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw Failed(e);
            throw;
        }
    }

    /// <summary>Accounts for bytes before they are written.</summary>
    /// <param name="count">Number of bytes.</param>
    /// <exception cref="NebulaException">There would be more than allowed.</exception>
    public void Take(long count)
    {
        if (count > limit - Bytes)
            throw new NebulaException(ErrorKind.Limit, $"Transactions that have not ended fill the spool in '{folder}': more than "
                + $"{Units.FormatSize(limit)} came. Raise 'cdc.spool.max_size'; with 0B the server keeps them until they are committed.");
        Bytes += count;
    }

    /// <summary>Accounts for bytes that are gone.</summary>
    /// <param name="count">Number of bytes.</param>
    public void Release(long count) => Bytes -= count;

    /// <summary>The error of a file that cannot be written.</summary>
    /// <param name="e">The cause.</param>
    public NebulaException Failed(Exception e) => new(ErrorKind.Permission, $"What came of a transaction that has not ended is put into the folder '{folder}', "
        + $"which failed: {e.Message} Set 'cdc.spool.path' to a folder with room, or 'cdc.spool.max_size' to 0B: the server keeps it then.", inner: e);

    /// <summary>Removes what a process left that was killed while it opened a file. Files in use are locked.</summary>
    private void Sweep()
    {
        if (_isSwept)
            return;
        _isSwept = true;
        foreach (var path in Directory.EnumerateFiles(folder, $"{Prefix}*"))
            try
            {
                if (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) < OpeningTime)
                    continue;
                using (new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Delete))
                    File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // it is in use, or somebody else's
            }
    }
}
