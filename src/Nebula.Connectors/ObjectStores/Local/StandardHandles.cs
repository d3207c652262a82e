using System.ComponentModel;
using System.Runtime.InteropServices;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>
/// Standard input and output below the runtime's console streams, and pipes, on systems that have file descriptors. The runtime's output stream hides that its
/// reader has gone, so that a run would go on writing for nobody; its input stream cannot be interrupted.
/// </summary>
internal static unsafe partial class StandardHandles
{
    private const int Input = 0, Output = 1;
    private const int WaitMilliseconds = 100;
    private const int WriteOnly = 1;
    private const int Interrupted = 4, NobodyReads = 6, TryAgain = 11, TryAgainBsd = 35, PipeClosed = 32;
    private const int NonBlocking = 0x80800, NonBlockingMac = 0x1000004; // with O_CLOEXEC
    private const short Readable = 1, Writable = 4;

    /// <summary>Writes everything.</summary>
    /// <exception cref="OutputClosedException">The reader has gone.</exception>
    /// <exception cref="IOException">The system refused.</exception>
    public static void Write(ReadOnlySpan<byte> bytes) => Write(Output, bytes, static () => false);

    /// <summary>The same of any descriptor.</summary>
    /// <param name="descriptor">What is written.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="isInterrupted">Asked while waiting; an interrupted write ends with <see cref="OperationCanceledException"/>.</param>
    public static void Write(int descriptor, ReadOnlySpan<byte> bytes, Func<bool> isInterrupted)
    {
        fixed (byte* start = bytes)
        {
            var written = 0;
            while (written < bytes.Length)
            {
                var count = (int)write(descriptor, start + written, bytes.Length - written);
                if (count >= 0)
                    written += count;
                else
                    Retry(Marshal.GetLastPInvokeError(), descriptor, Writable, isInterrupted);
            }
        }
    }

    /// <summary>Opens a pipe or device for writing, and waits until somebody reads it.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="isInterrupted">Asked while waiting; then opening ends with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Its descriptor.</returns>
    /// <exception cref="IOException">The system refused.</exception>
    public static int OpenForWriting(string path, Func<bool> isInterrupted)
    {
        while (true)
        {
            var descriptor = open(path, WriteOnly | (OperatingSystem.IsMacOS() ? NonBlockingMac : NonBlocking));
            if (descriptor >= 0)
                return descriptor;
            if (Marshal.GetLastPInvokeError() != NobodyReads)
                throw new IOException(new Win32Exception(Marshal.GetLastPInvokeError()).Message);
            if (isInterrupted())
                throw new OperationCanceledException();
            _ = poll(null, 0, WaitMilliseconds);
        }
    }

    /// <summary>Reads what there is; waits while there is nothing, a little at a time.</summary>
    /// <param name="buffer">Takes the bytes.</param>
    /// <param name="isInterrupted">Asked while waiting; an interrupted read ends with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Number of bytes; 0 at the end.</returns>
    public static int Read(Span<byte> buffer, Func<bool> isInterrupted) => Read(Input, buffer, isInterrupted);

    /// <summary>Opens a pipe for reading without waiting for somebody to write.</summary>
    /// <returns>Its descriptor.</returns>
    /// <exception cref="IOException">The system refused.</exception>
    public static int OpenPipe(string path)
    {
        var descriptor = open(path, OperatingSystem.IsMacOS() ? NonBlockingMac : NonBlocking);
        return descriptor >= 0 ? descriptor : throw new IOException(new Win32Exception(Marshal.GetLastPInvokeError()).Message);
    }

    /// <summary>Closes a descriptor.</summary>
    public static void Close(int descriptor) => _ = close(descriptor);

    /// <summary>Whether a path names a pipe, a device or another file that has no content of its own.</summary>
    public static bool IsPipe(string path)
    {
        const int CurrentFolder = -100;
        const uint ModeWanted = 0x1;
        const int OffsetOfMode = 28;
        const int KindMask = 0xF000, Fifo = 0x1000, Characters = 0x2000, Blocks = 0x6000, Socket = 0xC000;
        var state = stackalloc byte[256];
        return statx(CurrentFolder, path, 0, ModeWanted, state) == 0 && (*(ushort*)(state + OffsetOfMode) & KindMask) is Fifo or Characters or Blocks or Socket;
    }

    /// <summary>The same of any descriptor.</summary>
    /// <param name="descriptor">What is read.</param>
    /// <param name="buffer">Takes the bytes.</param>
    /// <param name="isInterrupted">Asked while waiting.</param>
    public static int Read(int descriptor, Span<byte> buffer, Func<bool> isInterrupted)
    {
        fixed (byte* start = buffer)
            while (true)
            {
                var state = new PollState { Descriptor = descriptor, Events = Readable };
                var ready = poll(&state, 1, WaitMilliseconds);
                if (isInterrupted())
                    throw new OperationCanceledException();
                if (ready == 0)
                    continue;
                var count = (int)read(descriptor, start, buffer.Length);
                if (count >= 0)
                    return count;
                Retry(Marshal.GetLastPInvokeError(), descriptor, Readable, isInterrupted);
            }
    }

    private static void Retry(int error, int descriptor, short events, Func<bool> isInterrupted)
    {
        switch (error)
        {
            case Interrupted:
                return;
            case TryAgain or TryAgainBsd:
                var state = new PollState { Descriptor = descriptor, Events = events };
                _ = poll(&state, 1, WaitMilliseconds);
                if (isInterrupted())
                    throw new OperationCanceledException();
                return;
            case PipeClosed:
                throw new OutputClosedException();
            default:
                throw new IOException(new Win32Exception(error).Message);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollState
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, byte* bytes, nint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, byte* bytes, nint count);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    // statx(2): the one form of stat whose result has the same layout on every processor
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, byte* state);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollState* states, nuint count, int timeoutMilliseconds);
}
