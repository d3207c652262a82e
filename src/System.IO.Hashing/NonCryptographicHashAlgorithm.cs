using System.ComponentModel;

namespace System.IO.Hashing;

/// <summary>A hash that is taken over data bit by bit and protects against accidents, not against adversaries.</summary>
public abstract class NonCryptographicHashAlgorithm
{
    private const int BufferSize = 32 << 10;

    /// <summary>Makes a hash.</summary>
    /// <param name="hashLengthInBytes">Its length in bytes, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is below 1.</exception>
    protected NonCryptographicHashAlgorithm(int hashLengthInBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hashLengthInBytes, 1);
        HashLengthInBytes = hashLengthInBytes;
    }

    /// <summary>Length of the hash, in bytes.</summary>
    public int HashLengthInBytes { get; }

    /// <summary>Takes data in behind what came before.</summary>
    /// <param name="source">The data.</param>
    public abstract void Append(ReadOnlySpan<byte> source);

    /// <summary>Takes data in behind what came before.</summary>
    /// <param name="source">The data.</param>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> is null.</exception>
    public void Append(byte[] source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Append(source.AsSpan());
    }

    /// <summary>Takes the rest of a stream in.</summary>
    /// <param name="stream">The stream.</param>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    public void Append(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var buffer = new byte[BufferSize];
        while (stream.Read(buffer) is > 0 and var count)
            Append(buffer.AsSpan(0, count));
    }

    /// <summary>Takes the rest of a stream in.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    public Task AppendAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return AppendAllAsync(stream, cancellationToken);
    }

    /// <summary>Forgets all data.</summary>
    public abstract void Reset();

    /// <summary>The hash of the data so far.</summary>
    public byte[] GetCurrentHash()
    {
        var hash = new byte[HashLengthInBytes];
        GetCurrentHashCore(hash);
        return hash;
    }

    /// <summary>Writes the hash of the data so far.</summary>
    /// <param name="destination">Takes it.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter than the hash.</exception>
    public int GetCurrentHash(Span<byte> destination) => TryGetCurrentHash(destination, out var written) ? written : throw TooShort();

    /// <summary>Writes the hash of the data so far, if there is room.</summary>
    /// <param name="destination">Takes it.</param>
    /// <param name="bytesWritten">Bytes written.</param>
    /// <returns>Whether there was room.</returns>
    public bool TryGetCurrentHash(Span<byte> destination, out int bytesWritten)
    {
        bytesWritten = destination.Length < HashLengthInBytes ? 0 : HashLengthInBytes;
        if (bytesWritten == 0)
            return false;
        GetCurrentHashCore(destination[..bytesWritten]);
        return true;
    }

    /// <summary>The hash of the data so far, which is then forgotten.</summary>
    public byte[] GetHashAndReset()
    {
        var hash = new byte[HashLengthInBytes];
        GetHashAndResetCore(hash);
        return hash;
    }

    /// <summary>Writes the hash of the data so far, which is then forgotten.</summary>
    /// <param name="destination">Takes it.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter than the hash.</exception>
    public int GetHashAndReset(Span<byte> destination) => TryGetHashAndReset(destination, out var written) ? written : throw TooShort();

    /// <summary>Writes the hash of the data so far, which is then forgotten, if there is room.</summary>
    /// <param name="destination">Takes it.</param>
    /// <param name="bytesWritten">Bytes written.</param>
    /// <returns>Whether there was room.</returns>
    public bool TryGetHashAndReset(Span<byte> destination, out int bytesWritten)
    {
        bytesWritten = destination.Length < HashLengthInBytes ? 0 : HashLengthInBytes;
        if (bytesWritten == 0)
            return false;
        GetHashAndResetCore(destination[..bytesWritten]);
        return true;
    }

    /// <summary>Not supported: a hash code would hide that <see cref="GetCurrentHash()"/> was meant.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete("Use GetCurrentHash() to retrieve the computed hash code.", true)]
#pragma warning disable CS0809 // the base's member is not obsolete
    public override int GetHashCode() => throw new NotSupportedException("A hash algorithm has no hash code; see GetCurrentHash().");
#pragma warning restore CS0809

    /// <summary>Writes the hash of the data so far.</summary>
    /// <param name="destination">Takes it; just as long as the hash.</param>
    protected abstract void GetCurrentHashCore(Span<byte> destination);

    /// <summary>Writes the hash of the data so far, which is then forgotten.</summary>
    /// <param name="destination">Takes it; just as long as the hash.</param>
    protected virtual void GetHashAndResetCore(Span<byte> destination)
    {
        GetCurrentHashCore(destination);
        Reset();
    }

    private static ArgumentException TooShort() => new("The destination is shorter than the hash.", "destination");

    private async Task AppendAllAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var count)
            Append(buffer.AsSpan(0, count));
    }
}
