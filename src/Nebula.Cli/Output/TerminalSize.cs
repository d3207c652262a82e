using System.Runtime.InteropServices;

namespace Nebula.Cli.Output;

/// <summary>The size of the window that standard error is shown in, or, where that is none, standard output.</summary>
internal static unsafe partial class TerminalSize
{
    private const int Usual = 80;
    private const int StandardOutput = 1;
    private const int StandardError = 2;
    private const nuint GetWindowSize = 0x5413;

    /// <summary>Columns of the window; 80 when there is none.</summary>
    public static int Width()
    {
        try
        {
            // System.Console switches the terminal to another mode before it answers
            return OperatingSystem.IsLinux() ? LinuxWidth() : Console.WindowWidth;
        }
        catch (IOException)
        {
            return Usual;
        }
    }

    private static int LinuxWidth()
    {
        WindowSize size = default;
        return (ioctl(StandardError, GetWindowSize, &size) == 0 || ioctl(StandardOutput, GetWindowSize, &size) == 0) && size.Columns > 0
            ? size.Columns : Usual;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort Width;
        public ushort Height;
    }

    [LibraryImport("libc")]
    private static partial int ioctl(int descriptor, nuint request, WindowSize* size);
}
