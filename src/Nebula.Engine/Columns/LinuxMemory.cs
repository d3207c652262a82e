using System.Runtime.InteropServices;

namespace Nebula.Engine.Columns;

/// <summary>What Linux and its C library are told about large blocks. Other systems, and other C libraries, have habits of their own.</summary>
internal static unsafe partial class LinuxMemory
{
    // mallopt(3)
    private const int MmapThreshold = -3;

    // madvise(2)
    private const int HugePages = 14;

    // from here on. Aligned blocks that are freed into an arena are hardly ever found again by glibc (each needs some bytes more than it frees): kept, they
    // pile up to several times of what is in use.
    private const int LargeBlock = 512 << 10;

    private static bool _takesAdvice = OperatingSystem.IsLinux();

    /// <summary>
    /// Gives large blocks mappings of their own for good. By itself glibc raises the size from which it does so each time that one is freed, up to 32 MB, and
    /// then keeps what is smaller.
    /// </summary>
    public static void ReturnLargeBlocks()
    {
        if (_takesAdvice)
            Tell(static () => MallOpt(MmapThreshold, LargeBlock));
    }

    /// <summary>
    /// Asks for pages of 2 MB where a large block lies: pages of 4 KB cost a fault each at their first touch, and whoever goes through megabytes of them misses
    /// the processor's list of pages all the time. Nothing is lost where the system grants none.
    /// </summary>
    /// <param name="block">The block.</param>
    /// <param name="size">Its bytes.</param>
    public static void PreferHugePages(void* block, nuint size)
    {
        if (size < LargeBlock || !_takesAdvice)
            return;
        var start = (nuint)block & ~(nuint)(Environment.SystemPageSize - 1);
        var length = (nuint)block + size - start;
        Tell(() => MAdvise(start, length, HugePages));
    }

    private static void Tell(Func<int> advice)
    {
        try
        {
            _ = advice();
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            _takesAdvice = false;
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MAdvise(nuint start, nuint length, int advice);
}
