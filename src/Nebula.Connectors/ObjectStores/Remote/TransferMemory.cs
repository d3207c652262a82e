namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>How much of an object may be on its way. Without a memory limit, what keeps a fast line busy; with one, a share of it.</summary>
internal static class TransferMemory
{
    private const int Usual = 40 << 20;
    private const int UsualKept = 64 << 20;
    private const int Largest = 8 << 20;
    private const int Smallest = 1 << 20;

    /// <summary>Most ranges that are asked for at once.</summary>
    public const int MostRanges = 4;

    /// <summary>Bytes that the service's client and its connections take, about.</summary>
    public const int ClientShare = 32 << 20;

    /// <summary>Bytes that an object may have under way, in either direction. The limit of the managed heap, a quarter of the process's, tells.</summary>
    public static int PerObject => AppContext.GetData("GCHeapHardLimit") is ulong heap ? (int)Math.Clamp(heap / 4, 4UL << 20, Usual) : Usual;

    /// <summary>Bytes that are kept for the next transfer.</summary>
    public static long Kept => IsLimited ? 0 : UsualKept;

    /// <summary>Bytes of a range, at most: of those asked for, and one that is read.</summary>
    public static int LargestRange => Math.Clamp(PerObject / (MostRanges + 1), Smallest, Largest);

    /// <summary>Blocks of a megabyte that are kept of an object that is read here and there.</summary>
    public static int BlocksKept => IsLimited ? Math.Clamp(PerObject >> 20, 4, 16) : 16;

    private static bool IsLimited => PerObject < Usual;

    /// <summary>Bytes of a part of an object that is written.</summary>
    /// <param name="least">What the service takes at least.</param>
    public static int PartSize(int least) => Math.Max(least, Math.Min(Largest, PerObject / 3));

    /// <summary>Parts of an object that may be sent at once, beside the one that is filled.</summary>
    /// <param name="partSize">Their size.</param>
    public static int PartsUnderWay(int partSize) => Math.Clamp((PerObject / partSize) - 1, 1, 4);
}
