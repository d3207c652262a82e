using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Local;

/// <summary>What a journal's entry says.</summary>
internal enum JournalEntryKind
{
    /// <summary>An instance exists from here on.</summary>
    Instance = 1,

    /// <summary>An event arrived at an instance and waits for its next turn.</summary>
    Message = 2,

    /// <summary>An instance has a turn: it takes messages.</summary>
    Turn = 3,

    /// <summary>An event is added to an instance's history.</summary>
    Event = 4,

    /// <summary>The next generation of an instance begins: its history and its children are gone.</summary>
    Reset = 5,

    /// <summary>An instance shows another status.</summary>
    Status = 6,
}

/// <summary>One entry of a journal. Which members are set depends on the kind.</summary>
internal readonly record struct JournalEntry(JournalEntryKind Kind, int Instance)
{
    /// <summary>The event of a message or of history.</summary>
    public HistoryEvent? Event { get; init; }

    /// <summary>The id of an instance; the status it shows; the file that a message came from.</summary>
    public string? Text { get; init; }

    /// <summary>The instance that started another; -1 for the first.</summary>
    public int Parent { get; init; }

    /// <summary>The action that started an instance; how many messages a turn takes.</summary>
    public int Number { get; init; }

    /// <summary>When a turn began.</summary>
    public DateTime Time { get; init; }

    public void Write(ProtocolWriter writer)
    {
        var message = writer.Begin(1);
        writer.Int32(1, (int)Kind);
        writer.Int32(2, Instance);
        if (Event is not null)
            HistoryEventCodec.Write(writer, 3, Event);
        writer.StringValue(4, Text);
        writer.Int32(5, Parent);
        writer.Int32(6, Number);
        if (Time != default)
            writer.Int64(7, Time.Ticks);
        writer.End(message);
    }

    public static JournalEntry Read(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var entry = new JournalEntry(0, 0);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    entry = entry with { Kind = (JournalEntryKind)reader.Int32() };
                    break;
                case 2:
                    entry = entry with { Instance = reader.Int32() };
                    break;
                case 3:
                    entry = entry with { Event = HistoryEventCodec.Read(reader.Bytes()) };
                    break;
                case 4:
                    entry = entry with { Text = reader.StringValue() };
                    break;
                case 5:
                    entry = entry with { Parent = reader.Int32() };
                    break;
                case 6:
                    entry = entry with { Number = reader.Int32() };
                    break;
                case 7:
                    entry = entry with { Time = new DateTime(Math.Clamp(reader.Int64(), 0, DateTime.MaxValue.Ticks), DateTimeKind.Utc) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return entry;
    }
}
