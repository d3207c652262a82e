using System.Collections.Immutable;

namespace Nebula.Engine.Storage;

/// <summary>A change of the way records are held.</summary>
/// <param name="From">The mode before.</param>
/// <param name="To">The mode after.</param>
/// <param name="Records">Records held when it happened, all of which were converted.</param>
/// <param name="BytesBefore">Bytes that they took before.</param>
/// <param name="BytesAfter">Bytes that they took after.</param>
/// <param name="Duration">How long the conversion took.</param>
public sealed record StorageSwitch(StorageMode From, StorageMode To, long Records, long BytesBefore, long BytesAfter, TimeSpan Duration);

/// <summary>What holding records costs at one moment. Bytes are counted from the buffers on loan, not estimated.</summary>
/// <param name="Mode">How records are held now: <see cref="StorageMode.Row"/> or <see cref="StorageMode.Columnar"/>.</param>
/// <param name="Records">Number of records.</param>
/// <param name="LiveBytes">Bytes of the buffers on loan.</param>
/// <param name="History">Every switch so far, in order.</param>
public sealed record StorageMetrics(StorageMode Mode, long Records, long LiveBytes, ImmutableArray<StorageSwitch> History)
{
    /// <summary>Number of switches so far.</summary>
    public int Switches => History.Length;

    /// <summary>Bytes per record; 0 when there are no records.</summary>
    public double BytesPerRecord => Records == 0 ? 0 : (double)LiveBytes / Records;
}
