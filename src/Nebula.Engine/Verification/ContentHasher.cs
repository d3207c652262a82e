using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Verification;

/// <summary>
/// Hashes rows for <see cref="ContentHash"/>: the hash of a column is the sum, modulo 2^64, of a well-mixed hash of 64 bits of each of its values; that of the
/// rows is the sum of a hash of each row, made of those of its values in the order of the columns. So it depends neither on how rows are cut into batches nor
/// on their order, and a row that is lost, doubled or changed, or two that exchange values, change it.
/// </summary>
/// <remarks>
/// <para>Two values have the same hash when they are the same value, however they are stored:</para>
/// <list type="bullet">
/// <item>Null is one value of its own, the same in all types: neither zero nor the empty text. What lies in the slot of a null has no effect.</item>
/// <item>Integers go by their value, so that 7 is the same in all widths; dates by their days; times and timestamps by their count of the column's unit.</item>
/// <item>float32 goes by the float64 of the same value; every NaN is the same; -0.0 is 0.0.</item>
/// <item>Decimals go by their value: 1.50 is 1.5, in 8 bytes or 16.</item>
/// <item>Text and binary go by their bytes, dictionary-encoded or not; UUIDs by their 16 bytes.</item>
/// <item>JSON goes by its text without the white space between tokens; the document <c>null</c> and no text at all are null.</item>
/// <item>A list goes by its elements in order, nulls included; the empty list is not null. A struct goes by its fields in order; one of nulls is not null. A
/// map goes by its entries, whatever their order.</item>
/// </list>
/// <para>It tells damage, not malice: who sets out to make two contents of the same hash can.</para>
/// </remarks>
internal sealed class ContentHasher
{
    private readonly ImmutableArray<bool> _emptyIsNull;
    private readonly BufferPool _pool;
    private readonly ValueHashes _values;

    /// <summary>Makes a hasher. It keeps nothing between calls: one serves all threads.</summary>
    /// <param name="emptyIsNull">For each column whether the empty text counts as null.</param>
    /// <param name="pool">Where buffers come from.</param>
    public ContentHasher(ImmutableArray<bool> emptyIsNull, BufferPool pool)
    {
        _emptyIsNull = emptyIsNull;
        _pool = pool;
        _values = new ValueHashes(pool);
    }

    /// <summary>Number of sums: one of the rows, then one for each column.</summary>
    public int SumCount => _emptyIsNull.Length + 1;

    /// <summary>Adds rows to sums.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="start">The first of them that counts.</param>
    /// <param name="count">How many of them count.</param>
    /// <param name="sums">The sums; <see cref="SumCount"/> of them.</param>
    public void Add(RecordBatch batch, int start, int count, Span<ulong> sums)
    {
        using var buffer = _pool.Rent(2 * ValueHashes.MostAtOnce * sizeof(ulong));
        var rowHashes = buffer.As<ulong>()[..ValueHashes.MostAtOnce];
        var valueHashes = buffer.As<ulong>().Slice(ValueHashes.MostAtOnce, ValueHashes.MostAtOnce);
        for (var end = start + count; start < end; start += ValueHashes.MostAtOnce)
        {
            var length = Math.Min(ValueHashes.MostAtOnce, end - start);
            var rows = rowHashes[..length];
            var values = valueHashes[..length];
            rows.Fill(HashMixing.Start);
            for (var i = 0; i < batch.Columns.Length; i++)
            {
                _values.Hash(batch.Columns[i], start, values);
                if (_emptyIsNull[i])
                    SetEmptyToNull(values);
                sums[i + 1] += HashMixing.FoldAll(rows, values);
            }
            HashMixing.MixAll(rows);
            sums[0] += HashMixing.Sum(rows);
        }
    }

    /// <summary>Makes the hash of sums.</summary>
    public static ContentHash ToHash(ReadOnlySpan<ulong> sums) => new(sums[0], [.. sums[1..]]);

    private static unsafe void SetEmptyToNull(Span<ulong> values)
    {
        UInt128 nothing = 0;
        var empty = HashMixing.Bytes((byte*)&nothing, 0);
        for (var i = 0; i < values.Length; i++)
            if (values[i] == empty)
                values[i] = HashMixing.Null;
    }
}
