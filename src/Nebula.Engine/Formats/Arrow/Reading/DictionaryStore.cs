using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>The dictionaries of a file or stream as they are at one point of it.</summary>
/// <param name="plans">What the values of each look like.</param>
/// <param name="isBigEndian">Whether values have their most significant byte first.</param>
/// <param name="pool">Where memory comes from.</param>
internal sealed class DictionaryStore(IReadOnlyDictionary<long, BatchPlan> plans, bool isBigEndian, BufferPool pool) : IDisposable
{
    // What dictionaries inside dictionaries may unfold to.
    private const long LargestUnfolded = 256 << 20;

    private readonly Dictionary<long, Column> _current = [];

    /// <summary>The dictionaries that columns refer to, shared: whoever asks disposes of them.</summary>
    /// <param name="ids">Their ids; those not sent yet are left out.</param>
    public Dictionary<long, Column> Share(IEnumerable<long> ids)
    {
        var shared = new Dictionary<long, Column>();
        foreach (var id in ids)
            if (_current.TryGetValue(id, out var column) && !shared.ContainsKey(id))
                shared.Add(id, column.Share());
        return shared;
    }

    /// <summary>Takes values of a dictionary.</summary>
    /// <param name="message">The message.</param>
    /// <param name="loader">Fetches its body.</param>
    /// <param name="position">Where the body begins in the file.</param>
    /// <param name="mayReplace">Whether values may take the place of those sent before, as in streams.</param>
    /// <exception cref="ArrowFault">The dictionary is damaged.</exception>
    public void Add(ArrowMessage message, BodyLoader loader, long position, bool mayReplace)
    {
        var plan = plans[message.DictionaryId];
        var body = new BatchBody(plan, message.Batch!);
        if (message.Batch!.Length > BufferPool.MaxCapacity)
            throw new ArrowFault($"dictionary {message.DictionaryId} has {message.Batch.Length} entries, more than can be held at once", 0);
        using var memory = loader.LoadWhole(body, plan.Columns, position);
        using var decompressor = new BodyDecompressor(isBigEndian, pool);
        if (body.Header.Codec != BodyCodec.None)
            body = decompressor.Decompress(body, memory, plan.Columns);
        Column values;
        try
        {
            values = new ColumnDecoder(body, _current, pool, new DecodeBudget(LargestUnfolded)).Read(plan.Columns[0], 0, (int)message.Batch.Length);
        }
        catch (BatchTooLargeException)
        {
            throw new ArrowFault($"the entries of dictionary {message.DictionaryId} unfold to more than can be held at once", 0,
                advice: "Have the column written without a dictionary.");
        }
        using var previous = _current.GetValueOrDefault(message.DictionaryId);
        if (previous is not null && !message.IsDelta && !mayReplace)
        {
            values.Dispose();
            _current.Remove(message.DictionaryId);
            throw new ArrowFault($"dictionary {message.DictionaryId} is there twice, which only streams may have", 0);
        }
        _current[message.DictionaryId] = message.IsDelta && previous is not null ? Append(previous, values) : values;
    }

    /// <summary>Returns all memory.</summary>
    public void Dispose()
    {
        foreach (var column in _current.Values)
            column.Dispose();
        _current.Clear();
    }

    private Column Append(Column previous, Column values)
    {
        using (values)
        using (var builder = new ColumnBuilder(pool, values.Type))
        {
            builder.AppendRange(previous, 0, previous.Length);
            builder.AppendRange(values, 0, values.Length);
            return builder.Build();
        }
    }
}
