using System.Text;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// What was seen at one place of the records, and the narrowest type that holds all of it without loss. The order in which values are seen does not matter.
/// </summary>
internal sealed unsafe class ObservedType
{
    /// <summary>Most keys of an object that become the fields of a struct; objects with more are maps in disguise and stay JSON.</summary>
    public const int MaxFields = 1000;

    private Kinds _kinds;
    private int _whole;
    private int _fraction;
    private bool _hasNegative;
    private KeyTable? _keys;
    private List<ObservedType>? _fields;

    [Flags]
    private enum Kinds
    {
        None = 0,
        Bool = 1,
        Int64 = 1 << 1,

        /// <summary>An integer that float64 does not hold; narrower than <see cref="Int64"/> it comes on top.</summary>
        InexactInteger = 1 << 2,

        /// <summary>An integer above int64 that uint64 holds.</summary>
        UInt64 = 1 << 3,

        /// <summary>An integer that neither holds.</summary>
        BigInteger = 1 << 4,

        /// <summary>A number with a fraction or exponent that float64 holds.</summary>
        Double = 1 << 5,

        /// <summary>One that it does not hold.</summary>
        InexactDouble = 1 << 6,

        /// <summary>A number that no decimal is written for: with an exponent, or a negative zero.</summary>
        NoDecimal = 1 << 7,
        Date = 1 << 8,
        Timestamp = 1 << 9,
        TimestampWithZone = 1 << 10,

        /// <summary>A timestamp that microseconds do not hold.</summary>
        Nanoseconds = 1 << 11,

        /// <summary>A timestamp that nanoseconds do not hold.</summary>
        NoNanoseconds = 1 << 12,
        Text = 1 << 13,
        Object = 1 << 14,
        Array = 1 << 15,

        /// <summary>Anything that only JSON itself can hold.</summary>
        Any = 1 << 16,

        Integers = Int64 | UInt64 | BigInteger,
        Numbers = Integers | InexactInteger | Double | InexactDouble | NoDecimal,
        Times = Timestamp | TimestampWithZone | Nanoseconds | NoNanoseconds,
        Strings = Date | Times | Text,
    }

    /// <summary>The type of the elements, when arrays were seen.</summary>
    public ObservedType? Element { get; private set; }

    /// <summary>Whether objects still become structs here.</summary>
    public bool TakesFields => (_kinds & Kinds.Any) == 0;

    /// <summary>The keys in the order in which they were first seen.</summary>
    public int FieldCount => _keys?.Count ?? 0;

    /// <summary>The last key that was seen; the next one tends to follow it.</summary>
    public int LastField { get; set; } = -1;

    /// <summary>Notes true or false.</summary>
    public void SeeBool() => _kinds |= Kinds.Bool;

    /// <summary>Notes what only JSON can hold.</summary>
    public void SeeAny()
    {
        _kinds |= Kinds.Any;
        (_keys, _fields, Element) = (null, null, null);
    }

    /// <summary>Notes an array.</summary>
    /// <returns>The type of its elements.</returns>
    public ObservedType SeeArray()
    {
        _kinds |= Kinds.Array;
        return Element ??= new ObservedType();
    }

    /// <summary>Notes an object.</summary>
    public void SeeObject() => _kinds |= Kinds.Object;

    /// <summary>Notes a key of an object.</summary>
    /// <param name="key">The key.</param>
    /// <param name="limit">Most keys taken.</param>
    /// <returns>The type of its values; null when there are too many keys.</returns>
    public ObservedType? SeeKey(ReadOnlySpan<byte> key, int limit)
    {
        _keys ??= new KeyTable();
        _fields ??= [];
        var next = LastField + 1;
        if (next >= _keys.Count || !key.SequenceEqual(_keys[next]))
            next = _keys.Find(key);
        if (next < 0)
        {
            if (_keys.Count >= limit)
                return null;
            next = _keys.Add(key);
            _fields.Add(new ObservedType());
        }
        LastField = next;
        return _fields[next];
    }

    /// <summary>Notes a number.</summary>
    /// <param name="p">Its text; up to 128 bytes behind may be read.</param>
    /// <param name="length">Bytes of the text.</param>
    public void SeeNumber(byte* p, int length)
    {
        if (NumberParser.TryParseInt64(p, length, out var integer))
        {
            _kinds |= Kinds.Int64;
            _hasNegative |= integer < 0;
            _whole = Math.Max(_whole, length - (integer < 0 ? 1 : 0));
            if (integer is > 1L << 53 or < -(1L << 53) && !NumberParser.TryParseExactDouble(p, length, out _))
                _kinds |= Kinds.InexactInteger;
            return;
        }
        NumberShape.TryRead(new ReadOnlySpan<byte>(p, length), out var shape);
        _whole = Math.Max(_whole, shape.Whole);
        _fraction = Math.Max(_fraction, shape.Fraction);
        _hasNegative |= shape.IsNegative;
        var isExact = NumberParser.TryParseExactDouble(p, length, out _);
        if (shape.HasExponent || (shape.Significant == 0 && shape.IsNegative))
            _kinds |= Kinds.NoDecimal | (isExact ? Kinds.Double : Kinds.InexactDouble);
        else if (shape.Fraction > 0)
            _kinds |= isExact ? Kinds.Double : Kinds.InexactDouble;
        else
            _kinds |= (NumberParser.TryParseUInt64(p, length, out _) ? Kinds.UInt64 : Kinds.BigInteger) | (isExact ? Kinds.None : Kinds.InexactInteger);
    }

    /// <summary>Notes a string.</summary>
    /// <param name="p">Behind its opening quote.</param>
    /// <param name="length">Bytes up to the closing quote.</param>
    /// <param name="mayBeTime">Whether dates and timestamps are looked for: the string has no escapes.</param>
    public void SeeString(byte* p, int length, bool mayBeTime)
    {
        if ((_kinds & Kinds.Text) != 0)
            return;
        _kinds |= mayBeTime ? KindOf(p, length) : Kinds.Text;
    }

    /// <summary>The narrowest type; JSON where nothing but null was seen.</summary>
    public DataType Resolve()
    {
        if (_kinds == Kinds.Bool)
            return DataType.Bool;
        if (_kinds != 0 && (_kinds & ~Kinds.Numbers) == 0)
            return ResolveNumber();
        if (_kinds != 0 && (_kinds & ~Kinds.Strings) == 0)
            return ResolveString();
        if (_kinds == Kinds.Array)
            return DataType.List(Element!.Resolve());
        if (_kinds == Kinds.Object && FieldCount > 0)
            return DataType.Struct([.. Fields()]);
        return DataType.Json;
    }

    /// <summary>The keys and the types of their values.</summary>
    public IEnumerable<Field> Fields()
    {
        for (var i = 0; i < FieldCount; i++)
            yield return new Field(Encoding.UTF8.GetString(_keys![i]), _fields![i].Resolve());
    }

    private DataType ResolveNumber()
    {
        if ((_kinds & ~(Kinds.Int64 | Kinds.InexactInteger)) == 0)
            return DataType.Int64;
        if ((_kinds & ~(Kinds.Integers | Kinds.InexactInteger)) == 0)
        {
            if ((_kinds & Kinds.BigInteger) == 0 && !_hasNegative)
                return DataType.UInt64;
            return _whole <= DataType.MaxDecimalPrecision ? DataType.Decimal(DataType.MaxDecimalPrecision, 0) : DataType.Json;
        }
        if ((_kinds & (Kinds.InexactDouble | Kinds.InexactInteger)) == 0)
            return DataType.Float64;
        return (_kinds & Kinds.NoDecimal) == 0 && _whole + _fraction <= DataType.MaxDecimalPrecision
            ? DataType.Decimal(DataType.MaxDecimalPrecision, _fraction)
            : DataType.Json;
    }

    private DataType ResolveString()
    {
        if (_kinds == Kinds.Date)
            return DataType.Date;
        var isZoned = (_kinds & Kinds.TimestampWithZone) != 0;
        var needsNanoseconds = (_kinds & Kinds.Nanoseconds) != 0;
        if ((_kinds & ~Kinds.Times) != 0 || (isZoned && (_kinds & Kinds.Timestamp) != 0) || (needsNanoseconds && (_kinds & Kinds.NoNanoseconds) != 0))
            return DataType.String;
        return DataType.Timestamp(needsNanoseconds ? TimeUnit.Nanosecond : TimeUnit.Microsecond, isZoned ? "UTC" : null);
    }

    private static Kinds KindOf(byte* p, int length)
    {
        if (length == 10 && Temporal.TryParseDate(p, length, out _))
            return Kinds.Date;
        var isNanosecond = JsonTemporal.TryParseCanonical(p, length, nanoseconds: true, out _, out var hasZone);
        var isMicrosecond = JsonTemporal.TryParseCanonical(p, length, nanoseconds: false, out _, out var hasZoneToo);
        if (!isNanosecond && !isMicrosecond)
            return Kinds.Text;
        return (hasZone || hasZoneToo ? Kinds.TimestampWithZone : Kinds.Timestamp)
            | (isMicrosecond ? Kinds.None : Kinds.Nanoseconds)
            | (isNanosecond ? Kinds.None : Kinds.NoNanoseconds);
    }
}
