using System.Buffers.Binary;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Tests.Sync;

/// <summary>Measures what is written to a journal, as it is written: once replaced by a smaller one, it no longer tells.</summary>
internal sealed class EntryRecorder(string journal)
{
    private readonly Dictionary<int, int> _histories = [];
    private long _position = 8;

    public int Entries { get; private set; }

    public int Largest { get; private set; }

    public int LongestHistory { get; private set; }

    public void Record(bool written)
    {
        if (!written)
        {
            _position = Math.Max(8, new FileInfo(journal).Length);
            return;
        }
        using var file = new FileStream(journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = _position;
        var header = new byte[8];
        while (file.ReadAtLeast(header, 8, throwOnEndOfStream: false) == 8)
        {
            var frame = new byte[BinaryPrimitives.ReadInt32LittleEndian(header)];
            file.ReadExactly(frame);
            var reader = new ProtocolReader(frame);
            while (reader.Next())
                Record(reader.Bytes());
        }
    }

    private void Record(ReadOnlySpan<byte> message)
    {
        Entries++;
        Largest = Math.Max(Largest, message.Length);
        var entry = JournalEntry.Read(message);
        _histories[entry.Instance] = entry.Kind == JournalEntryKind.Reset ? 0 : _histories.GetValueOrDefault(entry.Instance) + 1;
        LongestHistory = Math.Max(LongestHistory, _histories[entry.Instance]);
    }
}
