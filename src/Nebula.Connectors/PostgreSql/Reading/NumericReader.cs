using System.Buffers.Binary;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Reads values of <c>numeric</c>: groups of four decimal digits with the weight of the first (src/backend/utils/adt/numeric.c,
/// numeric_send).</summary>
internal static class NumericReader
{
    /// <summary>Bytes before the first group.</summary>
    public const int HeaderSize = 8;

    private const int GroupDigits = 4;
    private const int GroupBase = 10_000;
    private const int SignOffset = 4;
    private const ushort Negative = 0x4000;
    private const ushort Special = 0xC000;
    private static readonly Int128[] Powers = MakePowers();
    private static readonly long[] ShortPowers = [.. Powers.Take(DataType.MaxDecimal64Precision + 1).Select(static power => (long)power)];

    /// <summary>Whether a value is no number: NaN or an infinity.</summary>
    /// <param name="value">Its bytes, a whole header at least.</param>
    public static bool IsSpecial(ReadOnlySpan<byte> value) => (Sign(value) & Special) == Special;

    /// <summary>Names what a value that is no number is.</summary>
    /// <param name="value">Its bytes.</param>
    public static string NameOf(ReadOnlySpan<byte> value) => Sign(value) switch { 0xD000 => "Infinity", 0xF000 => "-Infinity", _ => "NaN" };

    /// <summary>Reads a number as a whole number of units of a scale.</summary>
    /// <param name="value">Its bytes, no special value.</param>
    /// <param name="precision">Digits that there may be.</param>
    /// <param name="scale">Digits behind the point.</param>
    /// <param name="unscaled">The number times ten to the power of the scale.</param>
    /// <returns>False when it does not fit, or the bytes are no number.</returns>
    public static bool TryRead(ReadOnlySpan<byte> value, int precision, int scale, out Int128 unscaled)
    {
        unscaled = 0;
        var groups = BinaryPrimitives.ReadUInt16BigEndian(value);
        int weight = BinaryPrimitives.ReadInt16BigEndian(value[2..]);
        if (value.Length != HeaderSize + groups * sizeof(short))
            return false;
        Int128 number = 0;
        var exponent = GroupDigits * (weight + 1) + scale;
        for (var at = HeaderSize; at < value.Length; at += sizeof(short))
        {
            int group = BinaryPrimitives.ReadUInt16BigEndian(value[at..]);
            if (group >= GroupBase)
                return false;
            exponent -= GroupDigits;
            var digits = Math.Clamp(GroupDigits + exponent, 0, GroupDigits);
            var dropped = (int)Powers[GroupDigits - digits];
            if (group % dropped != 0 || number >= Powers[DataType.MaxDecimalPrecision - digits])
                return false;
            number = number * Powers[digits] + group / dropped;
        }
        if (exponent > 0 && number != 0)
        {
            if (exponent > DataType.MaxDecimalPrecision || number >= Powers[DataType.MaxDecimalPrecision - exponent])
                return false;
            number *= Powers[exponent];
        }
        if (number >= Powers[precision])
            return false;
        unscaled = Sign(value) == Negative ? -number : number;
        return true;
    }

    /// <summary>Reads a number that is short as a whole number of units of a scale.</summary>
    /// <param name="value">Its bytes, no special value.</param>
    /// <param name="precision">Digits that there may be, at most 18.</param>
    /// <param name="scale">Digits behind the point.</param>
    /// <param name="unscaled">The number times ten to the power of the scale.</param>
    /// <returns>False when it does not fit, or the bytes are no number.</returns>
    public static bool TryReadShort(ReadOnlySpan<byte> value, int precision, int scale, out long unscaled)
    {
        const int MostGroups = 4;
        int groups = BinaryPrimitives.ReadUInt16BigEndian(value);
        var exponent = GroupDigits * (BinaryPrimitives.ReadInt16BigEndian(value[2..]) + 1 - groups) + scale;
        if (groups <= MostGroups && value.Length == HeaderSize + groups * sizeof(short) && exponent is > -GroupDigits and <= DataType.MaxDecimal64Precision)
        {
            var number = 0L;
            var isNumber = true;
            for (var at = HeaderSize; at < value.Length; at += sizeof(short))
            {
                int group = BinaryPrimitives.ReadUInt16BigEndian(value[at..]);
                isNumber &= group < GroupBase;
                number = number * GroupBase + group;
            }
            if (exponent < 0)
            {
                // constants: a multiplication each instead of a division
                var shorter = exponent switch { -1 => number / 10, -2 => number / 100, _ => number / 1000 };
                isNumber &= shorter * ShortPowers[-exponent] == number;
                number = shorter;
            }
            else
            {
                isNumber &= number < ShortPowers[DataType.MaxDecimal64Precision - exponent];
                number *= ShortPowers[exponent];
            }
            if (isNumber)
            {
                unscaled = Sign(value) == Negative ? -number : number;
                return number < ShortPowers[precision];
            }
        }
        var fits = TryRead(value, precision, scale, out var large);
        unscaled = (long)large;
        return fits;
    }

    private static ushort Sign(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadUInt16BigEndian(value[SignOffset..]);

    private static Int128[] MakePowers()
    {
        var powers = new Int128[DataType.MaxDecimalPrecision + 1];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++)
            powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
