using System.Globalization;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>timestamp, with and without local time zone (ORC v1, "Timestamp Columns").</summary>
internal sealed unsafe class TimestampColumnReader : FixedReader
{
    /// <summary>2015-01-01T00:00:00 in seconds since 1970, from which files count.</summary>
    public const long Epoch = 1_420_070_400;

    private const int SliceLength = 2048;
    private readonly IntegerReader? _seconds;
    private readonly IntegerReader? _nanoseconds;
    private readonly TimeZoneRules _zone;
    private readonly long _epoch;
    private readonly bool _isNanoseconds;
    private readonly PooledBuffer _scratch;
    private long _offsetFrom = 1;
    private long _offsetTo;
    private long _offset;

    /// <summary>Opens the streams of a column.</summary>
    public TimestampColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : base(block, type, dataType, path)
    {
        _isNanoseconds = dataType.Unit == TimeUnit.Nanosecond;
        _zone = type.Kind == OrcTypeKind.TimestampInstant ? TimeZoneRules.Utc : block.Zone;
        // values without zone are counted from midnight in the writer's zone, and mean what a clock there showed
        _epoch = Epoch - _zone.OffsetAt(Epoch, out _, out _);
        _seconds = block.OpenIntegers(type.Id, StreamKind.Data, isSigned: true);
        _nanoseconds = block.OpenIntegers(type.Id, StreamKind.Secondary, isSigned: false);
        _scratch = block.Rent(SliceLength * sizeof(long));
    }

    protected override void Decode(byte* target, int count)
    {
        if (_seconds is null)
            throw BlockStreams.Missing(StreamKind.Data);
        if (_nanoseconds is null)
            throw BlockStreams.Missing(StreamKind.Secondary);
        var values = (long*)target;
        for (var done = 0; done < count;)
        {
            var step = Math.Min(SliceLength, count - done);
            _seconds.Read(values + done, step);
            _nanoseconds.Read((long*)_scratch.Pointer, step);
            Combine(values + done, (long*)_scratch.Pointer, step);
            done += step;
        }
    }

    protected override void VerifyStreams()
    {
        _seconds?.VerifyEnd();
        _nanoseconds?.VerifyEnd();
    }

    private static ReadOnlySpan<int> ZeroFactors => [1, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Combine(long* values, long* fractions, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var coded = (ulong)fractions[i];
            var nanoseconds = (coded >> 3) * (ulong)ZeroFactors[(int)(coded & 7)];
            var seconds = values[i];
            if (nanoseconds >= 1_000_000_000 || (ulong)(seconds + (1L << 55)) >= 1ul << 56)
                throw Impossible(seconds, coded);
            seconds += _epoch;
            // writers in Java round towards zero before they add the fraction, unless it has no milliseconds
            if (seconds < 0 && nanoseconds > 999_999)
                seconds--;
            if (!_zone.IsUtc)
                seconds += OffsetAt(seconds);
            values[i] = _isNanoseconds ? ToNanoseconds(seconds, (long)nanoseconds) : ToMicroseconds(seconds, (long)nanoseconds);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long ToNanoseconds(long seconds, long nanoseconds) =>
        (ulong)(seconds + 9_223_372_036) < 2 * 9_223_372_036ul ? seconds * 1_000_000_000 + nanoseconds : ToNanosecondsAtTheEdge(seconds, nanoseconds);

    private static long ToNanosecondsAtTheEdge(long seconds, long nanoseconds) =>
        (Int128)seconds * 1_000_000_000 + nanoseconds is var exact && exact >= long.MinValue && exact <= long.MaxValue
        ? (long)exact
        : throw new OrcFault($"the timestamp {Show(seconds, nanoseconds)} is outside of the years 1677 to 2262, which 64 bits of nanoseconds cover",
            "Set 'timestamp_unit: us' to read timestamps in microseconds.");

    private static long ToMicroseconds(long seconds, long nanoseconds)
    {
        if (nanoseconds % 1000 != 0)
            throw new OrcFault($"the timestamp {Show(seconds, nanoseconds)} has parts of a microsecond, but timestamps are read in microseconds",
                "Set 'timestamp_unit: ns' to read timestamps in nanoseconds; these cover the years 1677 to 2262.");
        return (ulong)(seconds + 9_223_372_036_854) < 2 * 9_223_372_036_854ul ? seconds * 1_000_000 + nanoseconds / 1000
            : throw new OrcFault($"the timestamp {Show(seconds, nanoseconds)} is farther from 1970 than 64 bits of microseconds reach",
                "Leave out the column.");
    }

    private static string Show(long seconds, long nanoseconds) => seconds is >= -62_135_596_800 and < 253_402_300_800
        ? DateTime.UnixEpoch.AddSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture)
            + nanoseconds.ToString("'.'000000000", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"of {seconds} seconds and {nanoseconds} nanoseconds since 1970");

    private static OrcFault Impossible(long seconds, ulong coded) => new($"a timestamp of {seconds} seconds since 2015 with the fraction {coded} cannot be");

    private long OffsetAt(long utc)
    {
        if (utc < _offsetFrom || utc >= _offsetTo)
            _offset = _zone.OffsetAt(utc, out _offsetFrom, out _offsetTo);
        return _offset;
    }
}
