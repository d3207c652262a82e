using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>The types that still hold every value of a column without loss. Values strike types out; what is left at the end is the column's type.</summary>
/// <param name="forms">How values are written; null for the usual way.</param>
internal sealed unsafe class CsvTypeLattice(CsvValueForms? forms)
{
    private const int MaxMagnitudeDigits = 308;
    private const int ExactDigits = 15;
    private bool _bool = true, _int64 = true, _double = true, _decimal = true, _date = true, _time = true, _timestamp = true, _timestampUtc = true;
    private bool _hasNumber;
    private bool _microseconds = true, _nanoseconds = true, _timeMicroseconds = true, _hasValue;
    private int _maxWhole, _maxFraction, _minFraction = int.MaxValue;

    /// <summary>Whether any value was seen.</summary>
    public bool HasValue => _hasValue;

    /// <summary>Takes note of a value.</summary>
    /// <param name="p">Its text; <see cref="BufferPool.Padding"/> bytes behind it are readable.</param>
    /// <param name="length">Its length, above 0.</param>
    public void Observe(byte* p, int length)
    {
        _hasValue = true;
        _bool = _bool && (BoolText.IsTrue(p, length) || BoolText.IsFalse(p, length));
        if (_int64 || _double || _decimal)
            ObserveNumber(p, length, forms?.Numbers);
        _date = _date && (forms?.Dates is { } format ? format.TryReadDate(p, length, out _) : Temporal.TryParseDate(p, length, out _));
        // a time with seven digits behind the second is one too, but in nanoseconds
        _time = _time && Temporal.TryParseTime(p, length, nanoseconds: true, out _);
        _timeMicroseconds = _timeMicroseconds && Temporal.TryParseTime(p, length, nanoseconds: false, out _);
        if (_timestamp || _timestampUtc)
            ObserveTimestamp(p, length);
    }

    /// <summary>Takes note of a value that is text and nothing else.</summary>
    public void ObserveText()
    {
        _hasValue = true;
        _bool = _int64 = _double = _decimal = _date = _time = _timestamp = _timestampUtc = false;
    }

    /// <summary>The narrowest type left.</summary>
    public DataType Build()
    {
        if (!_hasValue)
            return DataType.String;
        // what the user described comes before what it may look like besides: 20240131 is a whole number too
        if (_date && forms?.Dates is not null)
            return DataType.Date;
        if ((_timestamp || _timestampUtc) && forms?.Timestamps is not null)
            return BuildTimestamp();
        if (_bool)
            return DataType.Bool;
        if (_int64)
            return DataType.Int64;
        // decimals that all have the same number of places are amounts: exact, and written as they were read
        var fits = _decimal && _maxWhole + _maxFraction <= DataType.MaxDecimalPrecision;
        if (fits && _maxFraction > 0 && _minFraction == _maxFraction)
            return DataType.Decimal(_maxWhole + _maxFraction <= DataType.MaxDecimal64Precision ? DataType.MaxDecimal64Precision : DataType.MaxDecimalPrecision,
                _maxFraction);
        // a column of nothing but such words as NaN is one of texts
        if (_double && _hasNumber)
            return DataType.Float64;
        if (fits)
            return DataType.Decimal(DataType.MaxDecimalPrecision, _maxFraction);
        if (_date)
            return DataType.Date;
        if (_time)
            return _timeMicroseconds ? DataType.Time : DataType.TimeNanoseconds;
        if (_timestamp || _timestampUtc)
            return BuildTimestamp();
        return DataType.String;
    }

    private DataType BuildTimestamp() => DataType.Timestamp(_microseconds ? TimeUnit.Microsecond : TimeUnit.Nanosecond, _timestampUtc ? "UTC" : null);

    private void ObserveNumber(byte* p, int length, NumberForm? form)
    {
        if (form is null)
        {
            ObserveNumber(p, length);
            return;
        }
        var text = stackalloc byte[NumberForm.MaxLength + BufferPool.Padding];
        if (form.Normalize(p, length, text) is > 0 and var count)
            ObserveNumber(text, count);
        else
            _int64 = _double = _decimal = false;
    }

    private void ObserveNumber(byte* p, int length)
    {
        // integers that floats hold as well: nothing is struck out
        if (_int64 && length <= ExactDigits && NumberParser.TryParseInt64(p, length, out _))
        {
            _maxWhole = Math.Max(_maxWhole, *p == '-' ? length - 1 : length);
            _minFraction = 0;
            _hasNumber = true;
            return;
        }
        if (length > MaxMagnitudeDigits || !NumberShape.TryRead(new ReadOnlySpan<byte>(p, length), out var shape)
            || (shape.HasExponent && NumberParser.MayBeCode(new ReadOnlySpan<byte>(p, length))))
        {
            _int64 = _decimal = false;
            _double = _double && FloatWords.TryRead(new ReadOnlySpan<byte>(p, length), out _);
            return;
        }
        _hasNumber = true;
        _maxWhole = Math.Max(_maxWhole, shape.Whole);
        _maxFraction = Math.Max(_maxFraction, shape.Fraction);
        _minFraction = Math.Min(_minFraction, shape.Fraction);
        _int64 = _int64 && NumberParser.TryParseInt64(p, length, out _);
        // a decimal has no negative zero
        _decimal = _decimal && !shape.HasExponent && !(shape.IsNegative && shape.Significant == 0);
        _double = _double && NumberParser.TryParseExactDouble(p, length, out _);
    }

    private void ObserveTimestamp(byte* p, int length)
    {
        var hasZone = false;
        // nanoseconds reach from 1677 to 2262 only: whether they hold a column is known when every value was tried
        if (forms?.Timestamps is { } format)
        {
            hasZone = format.HasZone;
            _microseconds = _microseconds && format.TryReadTimestamp(p, length, nanoseconds: false, out _);
            _nanoseconds = _nanoseconds && format.TryReadTimestamp(p, length, nanoseconds: true, out _);
        }
        else
        {
            _microseconds = _microseconds && Temporal.TryParseTimestamp(p, length, nanoseconds: false, out _, out hasZone);
            _nanoseconds = _nanoseconds && Temporal.TryParseTimestamp(p, length, nanoseconds: true, out _, out hasZone);
        }
        _timestamp &= !hasZone && (_microseconds || _nanoseconds);
        _timestampUtc &= hasZone && (_microseconds || _nanoseconds);
    }
}
