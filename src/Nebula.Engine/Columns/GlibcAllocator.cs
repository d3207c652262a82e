using System.Runtime.InteropServices;

namespace Nebula.Engine.Columns;

/// <summary>What the C library of Linux must be told so that a freed giant goes back to the system.</summary>
internal static partial class GlibcAllocator
{
    // mallopt(3)
    private const int MmapThreshold = -3;

    // madvise(2)
    private const int HugePages = 14;

    // from here on. Aligned blocks that are freed into an arena are hardly ever found again by glibc (each needs some bytes more than it frees): kept, they
    // pile up to several times of what is in use.
    private const int ReturnedAtOnce = 512 << 10;

    /// <summary>
    /// Gives large blocks mappings of their own for good. By itself glibc raises the size from which it does so each time that one is freed, up to 32 MB, and
    /// then keeps what is smaller.
    /// </summary>
    public static void ReturnLargeBlocks()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = MallOpt(MmapThreshold, ReturnedAtOnce);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // another C library, with other habits
        }
    }

    /// <summary>
    /// Asks for pages of 2 MB where a large block lies, where the system grants them on request: a page of 4 KB costs a fault each at the first touch, and
    /// running over megabytes of them misses the processor's table of pages all the time.
    /// </summary>
    /// <param name="block">The block.</param>
    /// <param name="size">Its bytes.</param>
    public static unsafe void PreferHugePages(void* block, nuint size)
    {
        if (size < ReturnedAtOnce || !OperatingSystem.IsLinux())
            return;
        var start = (nuint)block & ~(nuint)(Environment.SystemPageSize - 1);
        // refused where the system has none: nothing is lost
        _ = MAdvise(start, (nuint)block + size - start, HugePages);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MAdvise(nuint start, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);
}
