using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Local;

/// <summary>
/// The file that a run lives in: frames of entries, each written at once and checked by a CRC-32C, only ever added to. A frame that was cut by the end of
/// its writer never was. What became of no account is left behind from time to time by writing a new file in its place.
/// </summary>
/// <remarks>Layout: 8 bytes of signature, then frames: uint32 length, uint32 CRC-32C of the content, content; little-endian.</remarks>
internal sealed class Journal : IDisposable
{
    private const int FrameHeader = 8;
    private const int CompactAbove = 1 << 20;
    private readonly string _path;
    private readonly JournalDurability _durability;
    private readonly ProtocolWriter _entries = new();
    private byte[] _frame = [];
    private SafeFileHandle _handle;
    private long _length;
    private long _lengthWhenCompact;

    private Journal(string path, JournalDurability durability, SafeFileHandle handle, long length)
    {
        _path = path;
        _durability = durability;
        _handle = handle;
        _length = _lengthWhenCompact = length;
    }

    private static ReadOnlySpan<byte> Signature => "NEBJRNL1"u8;

    /// <summary>Called before and after each write; tests end the process's work there.</summary>
    public Action<bool>? Writing { get; set; }

    /// <summary>Bytes of the file.</summary>
    public long Length => _length;

    /// <summary>Opens a journal for its one writer, and cuts off what a writer that died left half done.</summary>
    public static (Journal Journal, JournalState State) Open(string path, JournalDurability durability) => Guard(path, () =>
    {
        var (state, length) = Load(path);
        var handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (length == 0)
        {
            RandomAccess.SetLength(handle, 0);
            RandomAccess.Write(handle, Signature, 0);
            length = Signature.Length;
        }
        else if (RandomAccess.GetLength(handle) > length)
        {
            RandomAccess.SetLength(handle, length);
        }
        return (new Journal(path, durability, handle, length), state);
    });

    /// <summary>Begins a journal in place of whatever is there.</summary>
    public static Journal Create(string path, JournalDurability durability) => Guard(path, () =>
    {
        var handle = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.Write(handle, Signature, 0);
        return new Journal(path, durability, handle, Signature.Length);
    });

    /// <summary>Reads a journal, also one that is being written.</summary>
    /// <returns>What it says, and how many of its bytes are good; 0 when there is none.</returns>
    /// <exception cref="DataFormatException">The file is no journal, or contradicts itself.</exception>
    public static (JournalState State, long Length) Load(string path)
    {
        var state = new JournalState();
        if (!File.Exists(path))
            return (state, 0);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16);
        var header = new byte[FrameHeader];
        if (file.ReadAtLeast(header, FrameHeader, throwOnEndOfStream: false) < FrameHeader)
            return (state, 0);
        if (!header.AsSpan().SequenceEqual(Signature))
            throw new DataFormatException($"'{path}' is no journal of a run. If it was one, purge the run and start it again.", new SourceLocation(path));
        var good = file.Position;
        var content = Array.Empty<byte>();
        while (file.ReadAtLeast(header, FrameHeader, throwOnEndOfStream: false) == FrameHeader)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(header);
            if (length > file.Length - file.Position)
                break;
            if (content.Length < length)
                content = new byte[Math.Max(4096, (int)BitOperations.RoundUpToPowerOf2(length))];
            var frame = content.AsSpan(0, (int)length);
            if (file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) < frame.Length
                || Checksum(frame) != BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4)))
                break;
            Apply(state, frame);
            good = file.Position;
        }
        return (state, good);
    }

    /// <summary>Adds an entry to the next frame.</summary>
    public void Add(JournalEntry entry) => entry.Write(_entries);

    /// <summary>Writes the entries that were added as one frame: after this, all of them happened; before, none.</summary>
    /// <exception cref="NebulaException">The file cannot be written.</exception>
    public void Commit()
    {
        if (_entries.Written.IsEmpty)
            return;
        Writing?.Invoke(false);
        Guard(_path, () =>
        {
            _length += WriteFrame(_handle, _length, _durability == JournalDurability.Machine);
            return true;
        });
        Writing?.Invoke(true);
    }

    /// <summary>Leaves behind what became of no account, when that is most of the file.</summary>
    public void CompactIfWorthwhile()
    {
        if (_length > CompactAbove && _length > 2 * _lengthWhenCompact)
            TryCompact(static _ => { });
    }

    /// <summary>Leaves behind what became of no account. Where that is not possible (a full disk), the file stays as it is, which is no harm.</summary>
    /// <param name="select">Removes more of it.</param>
    public void TryCompact(Action<JournalState> select)
    {
        _lengthWhenCompact = _length;
        var temporary = _path + ".new";
        try
        {
            Compact(temporary, select);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _entries.Clear();
        }
    }

    public void Dispose() => _handle.Dispose();

    private void Compact(string temporary, Action<JournalState> select)
    {
        const int Batch = 1 << 16;
        var (state, _) = Load(_path);
        select(state);
        var handle = File.OpenHandle(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            RandomAccess.Write(handle, Signature, 0);
            var length = (long)Signature.Length;
            foreach (var entry in state.Snapshot())
            {
                entry.Write(_entries);
                if (_entries.Written.Length > Batch)
                    length += WriteFrame(handle, length, flush: false);
            }
            if (!_entries.Written.IsEmpty)
                length += WriteFrame(handle, length, flush: false);
            // the new file replaces one that may be on the disk already
            RandomAccess.FlushToDisk(handle);
            File.Move(temporary, _path, overwrite: true);
            _handle.Dispose();
            (_handle, _length, _lengthWhenCompact) = (handle, length, length);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static void Apply(JournalState state, ReadOnlySpan<byte> frame)
    {
        var reader = new ProtocolReader(frame);
        while (reader.Next())
            if (reader.Field == 1)
                state.Apply(JournalEntry.Read(reader.Bytes()));
            else
                reader.Skip();
    }

    private static uint Checksum(ReadOnlySpan<byte> content)
    {
        var crc = ~0u;
        for (; content.Length >= sizeof(ulong); content = content[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(content));
        foreach (var b in content)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    private static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NebulaException(
                e is UnauthorizedAccessException ? ErrorKind.Permission : ErrorKind.Transient,
                $"The run's journal '{path}' cannot be written or read: {e.Message} The run can be continued once that is mended: start it again.", inner: e);
        }
    }

    private int WriteFrame(SafeFileHandle handle, long position, bool flush)
    {
        var content = _entries.Written;
        var size = FrameHeader + content.Length;
        if (_frame.Length < size)
            _frame = new byte[(int)BitOperations.RoundUpToPowerOf2((uint)size)];
        BinaryPrimitives.WriteInt32LittleEndian(_frame, content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(_frame.AsSpan(4), Checksum(content));
        content.CopyTo(_frame.AsSpan(FrameHeader));
        _entries.Clear();
        RandomAccess.Write(handle, _frame.AsSpan(0, size), position);
        if (flush)
            RandomAccess.FlushToDisk(handle);
        return size;
    }
}
