using System.Reflection;
using System.Runtime.InteropServices;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Zstd;

/// <summary>The functions of libzstd that are used. Call <see cref="Require"/> first: it explains a missing library.</summary>
internal static unsafe partial class ZstdNative
{
    public const int CompressionLevel = 100;
    public const int ChecksumFlag = 201;
    public const int WindowLogMax = 100;

    private const string Library = "libzstd";

    private static readonly Lazy<NebulaException?> Missing = new(Load);
    private static nint _handle;

    /// <summary>Makes sure that the library is there.</summary>
    /// <exception cref="NebulaException">It is missing.</exception>
    public static void Require()
    {
        if (Missing.Value is { } problem)
            throw new NebulaException(problem.Kind, problem.Reason, inner: problem);
    }

    /// <summary>The error that a result stands for; null when it is a size.</summary>
    public static string? ErrorOf(nuint result) => IsError(result) != 0 ? Marshal.PtrToStringUTF8(GetErrorName(result)) ?? "unknown error" : null;

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint GetErrorName(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx_advanced")]
    public static partial nint CreateDCtx(Allocator allocator);

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    public static partial nuint FreeDCtx(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_DCtx_setParameter")]
    public static partial nuint SetDecompression(nint context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    public static partial nuint DecompressStream(nint context, ref Buffer output, ref Buffer input);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressDCtx")]
    public static partial nuint Decompress(nint context, byte* target, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx_advanced")]
    public static partial nint CreateCCtx(Allocator allocator);

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    public static partial nuint FreeCCtx(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setParameter")]
    public static partial nuint SetCompression(nint context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress2")]
    public static partial nuint Compress(nint context, byte* target, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_compressBound")]
    public static partial nuint CompressBound(nuint length);

    private static NebulaException? Load()
    {
        string[] names = OperatingSystem.IsWindows() ? ["libzstd.dll", "zstd.dll"]
            : OperatingSystem.IsMacOS() ? ["libzstd.dylib", "libzstd.1.dylib", "/opt/homebrew/lib/libzstd.dylib", "/usr/local/lib/libzstd.dylib"]
            : ["libzstd.so.1", "libzstd.so"];
        var self = Assembly.GetExecutingAssembly();
        foreach (var name in names)
            if (NativeLibrary.TryLoad(name, self, DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory, out _handle))
                break;
        if (_handle == 0)
            return new NebulaException(ErrorKind.Configuration,
                "zstd needs the library libzstd, which is not installed here. Install it (Debian and Ubuntu: libzstd1, Fedora: libzstd, "
                + "Alpine: zstd-libs, macOS: brew install zstd, Windows: libzstd.dll beside the program).");
        if (!NativeLibrary.TryGetExport(_handle, "ZSTD_createDCtx_advanced", out _) || !NativeLibrary.TryGetExport(_handle, "ZSTD_compress2", out _))
            return new NebulaException(ErrorKind.Configuration, "The installed libzstd is too old or not complete. Install version 1.4 or newer.");
        NativeLibrary.SetDllImportResolver(self, static (name, _, _) => name == Library ? _handle : 0);
        return null;
    }

    /// <summary><c>ZSTD_inBuffer</c> and <c>ZSTD_outBuffer</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Buffer
    {
        public byte* Start;
        public nuint Size;
        public nuint Position;
    }

    /// <summary><c>ZSTD_customMem</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Allocator
    {
        public delegate* unmanaged[Cdecl]<nint, nuint, nint> Allocate;
        public delegate* unmanaged[Cdecl]<nint, nint, void> Free;
        public nint State;
    }
}
