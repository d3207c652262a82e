using System.Globalization;
using System.Numerics;
using Nebula.Engine.Formats.Orc.Metadata;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Collects what is known about the values of a column in a row group, a stripe or a file (ORC v1, "Column Statistics").</summary>
/// <param name="type">The column.</param>
internal sealed class StatisticsBuilder(OrcType type)
{
    private const int MaxStringLength = 1024;
    private static readonly Int128 MaxDecimal = Int128.Parse("99999999999999999999999999999999999999", CultureInfo.InvariantCulture);
    private long _values;
    private bool _hasNull;
    private long _bytesOnDisk;
    private bool _hasRange;
    private bool _hasNaN;
    private Int128 _least;
    private Int128 _greatest;
    private Int128 _sum;
    private bool _sumIsLost;
    private double _leastDouble;
    private double _greatestDouble;
    private double _sumDouble;
    private byte[] _leastBytes = [];
    private byte[] _greatestBytes = [];

    /// <summary>Counts slots.</summary>
    /// <param name="values">Slots with values.</param>
    /// <param name="nulls">Slots without.</param>
    public void Count(int values, int nulls)
    {
        _values += values;
        _hasNull |= nulls > 0;
    }

    /// <summary>Counts bytes of streams.</summary>
    public void CountBytes(long bytes) => _bytesOnDisk += bytes;

    /// <summary>Adds numbers: integers, unscaled decimals, days, nanoseconds, lengths of lists; for booleans the sum alone counts.</summary>
    /// <param name="least">The least.</param>
    /// <param name="greatest">The greatest.</param>
    /// <param name="sum">Their sum.</param>
    public void AddRange(Int128 least, Int128 greatest, Int128 sum)
    {
        (_least, _greatest) = _hasRange ? (Int128.Min(least, _least), Int128.Max(greatest, _greatest)) : (least, greatest);
        _hasRange = true;
        AddSum(sum);
    }

    /// <summary>Adds a sum: of lengths of strings, or the number of <c>true</c>.</summary>
    public void AddSum(Int128 sum)
    {
        var total = unchecked(_sum + sum);
        _sumIsLost |= total > MaxDecimal || total < -MaxDecimal;
        _sum = _sumIsLost ? 0 : total;
    }

    /// <summary>Makes the sum unknown.</summary>
    public void LoseSum() => _sumIsLost = true;

    /// <summary>Adds numbers of floating point.</summary>
    public void AddDoubles<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (values.IsEmpty)
            return;
        var (least, greatest, sum) = (values[0], values[0], 0.0);
        foreach (var value in values)
        {
            // NaN fails every comparison and shows in the sum
            least = value < least ? value : least;
            greatest = value > greatest ? value : greatest;
            sum += double.CreateTruncating(value);
        }
        if (double.IsNaN(sum))
            foreach (var value in values)
                _hasNaN |= T.IsNaN(value);
        AddDoubles(double.CreateTruncating(least), double.CreateTruncating(greatest), sum);
    }

    /// <summary>Adds the least and greatest of strings.</summary>
    public void AddBytes(ReadOnlySpan<byte> least, ReadOnlySpan<byte> greatest)
    {
        if (!_hasRange || least.SequenceCompareTo(_leastBytes) < 0)
            _leastBytes = least.ToArray();
        if (!_hasRange || greatest.SequenceCompareTo(_greatestBytes) > 0)
            _greatestBytes = greatest.ToArray();
        _hasRange = true;
    }

    /// <summary>Adds all that another has collected.</summary>
    public void Merge(StatisticsBuilder other)
    {
        _values += other._values;
        _hasNull |= other._hasNull;
        _hasNaN |= other._hasNaN;
        _bytesOnDisk += other._bytesOnDisk;
        _sumIsLost |= other._sumIsLost;
        if (!other._hasRange)
            AddSum(other._sum);
        else if (type.Kind is OrcTypeKind.Float or OrcTypeKind.Double)
            AddDoubles(other._leastDouble, other._greatestDouble, other._sumDouble);
        else if (IsString)
        {
            AddBytes(other._leastBytes, other._greatestBytes);
            AddSum(other._sum);
        }
        else
            AddRange(other._least, other._greatest, other._sum);
    }

    /// <summary>Writes what was collected.</summary>
    /// <param name="writer">Takes the message's fields.</param>
    public void Write(ProtobufWriter writer)
    {
        writer.UInt64(1, (ulong)_values);
        switch (type.Kind)
        {
            case OrcTypeKind.Byte or OrcTypeKind.Short or OrcTypeKind.Int or OrcTypeKind.Long when _hasRange:
                var integers = writer.Begin(2);
                writer.SInt64(1, (long)_least);
                writer.SInt64(2, (long)_greatest);
                WriteSum(writer, 3);
                writer.End(integers);
                break;
            case OrcTypeKind.Float or OrcTypeKind.Double when _hasRange && !_hasNaN:
                var doubles = writer.Begin(3);
                // a reader that compares bits must find either zero
                writer.Double(1, _leastDouble == 0 ? -0.0 : _leastDouble);
                writer.Double(2, _greatestDouble == 0 ? 0.0 : _greatestDouble);
                if (double.IsFinite(_sumDouble))
                    writer.Double(3, _sumDouble);
                writer.End(doubles);
                break;
            case OrcTypeKind.String when _hasRange:
                WriteStrings(writer);
                break;
            case OrcTypeKind.Boolean when _values > 0:
                var buckets = writer.Begin(5);
                var counts = writer.Begin(1);
                writer.Packed((ulong)_sum);
                writer.End(counts);
                writer.End(buckets);
                break;
            case OrcTypeKind.Decimal when _hasRange:
                var decimals = writer.Begin(6);
                writer.Text(1, DecimalText(_least));
                writer.Text(2, DecimalText(_greatest));
                if (!_sumIsLost)
                    writer.Text(3, DecimalText(_sum));
                writer.End(decimals);
                break;
            case OrcTypeKind.Date when _hasRange:
                var dates = writer.Begin(7);
                writer.SInt64(1, (long)_least);
                writer.SInt64(2, (long)_greatest);
                writer.End(dates);
                break;
            case OrcTypeKind.Binary when _values > 0:
                var binary = writer.Begin(8);
                WriteSum(writer, 1);
                writer.End(binary);
                break;
            case OrcTypeKind.Timestamp or OrcTypeKind.TimestampInstant when _hasRange:
                var timestamps = writer.Begin(9);
                // readers add up to 999,999 nanoseconds to the greatest themselves
                writer.SInt64(3, (long)_least);
                writer.SInt64(4, (long)_greatest);
                writer.End(timestamps);
                break;
            case OrcTypeKind.List or OrcTypeKind.Map when _hasRange:
                var collections = writer.Begin(12);
                writer.UInt64(1, (ulong)_least);
                writer.UInt64(2, (ulong)_greatest);
                writer.UInt64(3, (ulong)_sum);
                writer.End(collections);
                break;
        }
        writer.UInt64(10, _hasNull ? 1ul : 0);
        if (_bytesOnDisk > 0)
            writer.UInt64(11, (ulong)_bytesOnDisk);
    }

    private bool IsString => type.Kind == OrcTypeKind.String;

    private void AddDoubles(double least, double greatest, double sum)
    {
        (_leastDouble, _greatestDouble) = _hasRange ? (Math.Min(least, _leastDouble), Math.Max(greatest, _greatestDouble)) : (least, greatest);
        _hasRange = true;
        _sumDouble += sum;
    }

    private void WriteSum(ProtobufWriter writer, int field)
    {
        if (!_sumIsLost && _sum >= long.MinValue && _sum <= long.MaxValue)
            writer.SInt64(field, (long)_sum);
    }

    /// <summary>Long strings are cut: the lower bound at a character, the upper one with its last character raised.</summary>
    private void WriteStrings(ProtobufWriter writer)
    {
        var strings = writer.Begin(4);
        var upper = _greatestBytes.Length <= MaxStringLength ? _greatestBytes : UpperBound(_greatestBytes);
        if (upper is not null)
        {
            if (_leastBytes.Length <= MaxStringLength)
                writer.Bytes(1, _leastBytes);
            else
                writer.Bytes(4, _leastBytes.AsSpan(0, CharacterStart(_leastBytes, MaxStringLength)));
            writer.Bytes(_greatestBytes.Length <= MaxStringLength ? 2 : 5, upper);
        }
        WriteSum(writer, 3);
        writer.End(strings);
    }

    private static byte[]? UpperBound(byte[] value)
    {
        for (var end = CharacterStart(value, MaxStringLength); end > 0;)
        {
            var start = CharacterStart(value, end - 1);
            _ = System.Text.Rune.DecodeFromUtf8(value.AsSpan(start, end - start), out var rune, out _);
            var next = rune.Value == 0xD7FF ? 0xE000 : rune.Value + 1;
            if (next <= 0x10FFFF)
            {
                var bound = new byte[start + 4];
                value.AsSpan(0, start).CopyTo(bound);
                return bound[..(start + new System.Text.Rune(next).EncodeToUtf8(bound.AsSpan(start)))];
            }
            end = start;
        }
        return null;
    }

    private static int CharacterStart(byte[] value, int position)
    {
        while (position > 0 && (value[position] & 0xC0) == 0x80)
            position--;
        return position;
    }

    private string DecimalText(Int128 unscaled)
    {
        var scale = (int)type.Scale;
        var digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        return (unscaled < 0 ? "-" : "") + digits[..^scale] + (scale > 0 ? "." + digits[^scale..] : "");
    }
}
