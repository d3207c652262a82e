using System.Globalization;
using System.Numerics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Tests.Formats.Text;

public sealed unsafe class NumberParserTests
{
    private const NumberStyles Plain = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    [Theory]
    [InlineData("0", 0)]
    [InlineData("-1", -1)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("12345678", 12345678)]
    [InlineData("123456789", 123456789)]
    public void TryParseInt64_Integer_GivesIt(string text, long expected) => Assert.Equal(expected, Int64(text));

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("-0")]
    [InlineData("+1")]
    [InlineData("007")]
    [InlineData("-07")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1.0")]
    [InlineData("1e5")]
    [InlineData("9223372036854775808")]
    [InlineData("-9223372036854775809")]
    [InlineData("12345678901234567890")]
    [InlineData("18446744073709551617")]
    [InlineData("1,000")]
    [InlineData("0x10")]
    [InlineData("１")]
    [InlineData("12a")]
    [InlineData("1/2")]
    [InlineData("12:3")]
    public void TryParseInt64_AnythingElse_IsRefused(string text) => Assert.Null(Int64(text));

    [Fact]
    public void TryParseInt64_RandomText_AgreesWithTheBcl()
    {
        const int seed = 11;
        var random = new Random(seed);
        for (var round = 0; round < 100_000; round++)
        {
            var text = RandomNumber(random, allowPoint: false);
            long? expected = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
                && value.ToString(CultureInfo.InvariantCulture) == text ? value : null;
            Assert.True(expected == Int64(text), $"seed {seed}: {text}");
        }
    }

    [Theory]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("10000000000000000000", 10000000000000000000UL)]
    [InlineData("0", 0UL)]
    [InlineData("18446744073709551616", null)]
    [InlineData("-1", null)]
    [InlineData("01", null)]
    [InlineData("", null)]
    [InlineData("99999999999999999999", null)]
    [InlineData("100000000000000000000", null)]
    public void TryParseUInt64_Table(string text, ulong? expected) =>
        Assert.Equal(expected, PaddedText.Parse(text, static (p, length) => NumberParser.TryParseUInt64(p, length, out var value) ? value : (ulong?)null));

    [Theory]
    [InlineData("1.50", 18, 2, 150L)]
    [InlineData("1.5", 18, 2, 150L)]
    [InlineData("1", 18, 2, 100L)]
    [InlineData("-0.01", 18, 2, -1L)]
    [InlineData("0.00", 18, 2, 0L)]
    [InlineData("9999999999999999.99", 18, 2, 999999999999999999L)]
    [InlineData("0.000000000000000001", 18, 18, 1L)]
    [InlineData("999999999999999999", 18, 0, 999999999999999999L)]
    [InlineData("10000000000000000.00", 18, 2, null)]
    [InlineData("1000000000000000000", 18, 0, null)]
    [InlineData("1.234", 18, 2, null)]
    [InlineData("1.230", 18, 2, null)]
    [InlineData("1.", 18, 2, null)]
    [InlineData(".5", 18, 2, null)]
    [InlineData("-.5", 18, 2, null)]
    [InlineData("-", 18, 2, null)]
    [InlineData("", 18, 2, null)]
    [InlineData("-0.00", 18, 2, null)]
    [InlineData("00.10", 18, 2, null)]
    [InlineData("1.2.3", 18, 3, null)]
    [InlineData("1,50", 18, 2, null)]
    [InlineData("1e2", 18, 2, null)]
    [InlineData("100.00", 4, 2, null)]
    [InlineData("99.99", 4, 2, 9999L)]
    public void TryParseDecimal_Table(string text, int precision, int scale, long? expected)
    {
        Assert.Equal(expected, PaddedText.Parse(text, (p, length) => NumberParser.TryParseDecimal64(p, length, precision, scale, out var value)
            ? value : (long?)null));
        Assert.Equal(expected, PaddedText.Parse(text, (p, length) => NumberParser.TryParseDecimal128(p, length, precision, scale, out var value)
            ? (long)value : (long?)null));
    }

    [Theory]
    [InlineData("99999999999999999999999999999999999999", 0, "99999999999999999999999999999999999999")]
    [InlineData("-99999999999999999999999999999999999999", 0, "-99999999999999999999999999999999999999")]
    [InlineData("0.00000000000000000000000000000000000001", 38, "1")]
    [InlineData("100000000000000000000000000000000000000", 0, null)]
    [InlineData("340282366920938463463374607431768211456", 0, null)]
    [InlineData("340282366920938463463374607431768211457", 0, null)]
    [InlineData("3402823669209384634633746074317682114560", 0, null)]
    [InlineData("34028236692093846346337460743176821145.6", 1, null)]
    [InlineData("34028236692093846346337460743176821145", 1, null)]
    [InlineData("1", 38, null)]
    public void TryParseDecimal128_Boundaries(string text, int scale, string? expected) => Assert.Equal(
        expected, PaddedText.Parse(text, (p, length) => NumberParser.TryParseDecimal128(p, length, 38, scale, out var value)
            ? value.ToString(CultureInfo.InvariantCulture) : null));

    [Fact]
    public void TryParseDecimal_RandomText_AgreesWithBigInteger()
    {
        const int seed = 12;
        var random = new Random(seed);
        for (var round = 0; round < 60_000; round++)
        {
            var text = RandomNumber(random, allowPoint: true);
            var precision = random.Next(1, 39);
            var scale = random.Next(0, precision + 1);
            var expected = ExpectedDecimal(text, precision, scale);
            var wide = PaddedText.Parse(text, (p, length) => NumberParser.TryParseDecimal128(p, length, precision, scale, out var value)
                ? (BigInteger)value : (BigInteger?)null);
            Assert.True(expected == wide, $"seed {seed}: {text} as decimal({precision},{scale}) is {wide} instead of {expected}");
            if (precision > 18)
                continue;
            var narrow = PaddedText.Parse(text, (p, length) => NumberParser.TryParseDecimal64(p, length, precision, scale, out var value)
                ? value : (BigInteger?)null);
            Assert.True(expected == narrow, $"seed {seed}: {text} as decimal({precision},{scale}) is {narrow} instead of {expected}");
        }
    }

    [Theory]
    [InlineData("0.1", 0.1)]
    [InlineData("-0", -0.0)]
    [InlineData("-0.0", -0.0)]
    [InlineData("123456789012345", 123456789012345.0)]
    [InlineData("0.30000000000000004", 0.30000000000000004)]
    [InlineData("1e22", 1e22)]
    [InlineData("1E+5", 1e5)]
    [InlineData("5e-324", 5e-324)]
    [InlineData("1.7976931348623157e308", double.MaxValue)]
    [InlineData("2.2250738585072014E-308", 2.2250738585072014E-308)]
    [InlineData("9007199254740993", null)]
    [InlineData("0.1234567890123456789", null)]
    [InlineData("1e400", null)]
    [InlineData("1e-400", null)]
    [InlineData("NaN", null)]
    [InlineData("Infinity", null)]
    [InlineData("01.5", null)]
    [InlineData("1.", null)]
    [InlineData(".5", null)]
    [InlineData("+1.5", null)]
    [InlineData("1e", null)]
    [InlineData("1e+", null)]
    [InlineData("-", null)]
    [InlineData("", null)]
    [InlineData("1.5 ", null)]
    [InlineData("1_0", null)]
    public void TryParseExactDouble_Table(string text, double? expected) => Assert.Equal(Bits(expected), Bits(Double(text)));

    [Fact]
    public void TryParseExactDouble_RandomText_IsTheNearestAndLosesNothing()
    {
        const int seed = 13;
        var random = new Random(seed);
        for (var round = 0; round < 100_000; round++)
        {
            var text = round % 2 == 0 ? RandomNumber(random, allowPoint: true)
                : BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)).ToString("R", CultureInfo.InvariantCulture);
            var found = Double(text);
            var isNumber = NumberShape.TryRead(System.Text.Encoding.ASCII.GetBytes(text), out var shape);
            if (found is not { } value)
            {
                // refused only when it is no number, too large, or the double's shortest text is another number
                Assert.True(!isNumber || Nearest(text) is not { } nearest
                    || ToRational(text) != ToRational(nearest.ToString("R", CultureInfo.InvariantCulture)), $"seed {seed}: {text}");
                continue;
            }
            Assert.True(isNumber && Bits(double.Parse(text, Plain, CultureInfo.InvariantCulture)) == Bits(value), $"seed {seed}: {text}");
            if (shape.Significant > 15)
                Assert.True(ToRational(text) == ToRational(value.ToString("R", CultureInfo.InvariantCulture)), $"seed {seed}: {text}");
        }
    }

    [Theory]
    [InlineData("1E5", true)]
    [InlineData("-1e5", true)]
    [InlineData("12e03", true)]
    [InlineData("1e-5", false)]
    [InlineData("-1e-5", false)]
    [InlineData("1E+5", false)]
    [InlineData("1.0e5", false)]
    [InlineData("15", false)]
    public void MayBeCode_Table(string text, bool expected) => Assert.Equal(expected, NumberParser.MayBeCode(System.Text.Encoding.ASCII.GetBytes(text)));

    private static long? Int64(string text) => PaddedText.Parse(text, static (p, length) => NumberParser.TryParseInt64(p, length, out var value)
        ? value : (long?)null);

    private static double? Double(string text) => PaddedText.Parse(text, static (p, length) => NumberParser.TryParseExactDouble(p, length, out var value)
        ? value : (double?)null);

    private static double? Nearest(string text) => double.TryParse(text, Plain, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
        ? value : null;

    private static long? Bits(double? value) => value is { } number ? BitConverter.DoubleToInt64Bits(number) : null;

    private static string RandomNumber(Random random, bool allowPoint)
    {
        var text = new string([.. Enumerable.Range(0, random.Next(1, random.Next(2) == 0 ? 8 : 42)).Select(_ =>
            (char)('0' + (random.Next(3) == 0 ? 0 : random.Next(10))))]);
        if (allowPoint && random.Next(3) > 0)
            text = text.Insert(random.Next(text.Length + 1), ".");
        if (random.Next(3) == 0)
            text = "-" + text;
        if (random.Next(6) == 0)
            text = text.Insert(random.Next(text.Length + 1), ((string[])["-", " ", "a", "/", ":", "e", "+", "\0"])[random.Next(8)]);
        return text;
    }

    private static BigInteger? ExpectedDecimal(string text, int precision, int scale)
    {
        var body = text.StartsWith('-') ? text[1..] : text;
        var parts = body.Split('.');
        if (parts.Length > 2 || parts.Any(static part => part.Length == 0 || !part.All(char.IsAsciiDigit)) || (parts[0].Length > 1 && parts[0][0] == '0'))
            return null;
        var fraction = parts.Length == 2 ? parts[1] : "";
        if (fraction.Length > scale)
            return null;
        var magnitude = BigInteger.Parse(parts[0] + fraction.PadRight(scale, '0'), CultureInfo.InvariantCulture);
        if (magnitude >= BigInteger.Pow(10, precision) || (magnitude.IsZero && text[0] == '-'))
            return null;
        return text[0] == '-' ? -magnitude : magnitude;
    }

    private static (BigInteger Digits, int Exponent) ToRational(string text)
    {
        var at = text.IndexOfAny(['e', 'E']);
        var exponent = at < 0 ? 0 : int.Parse(text[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = at < 0 ? text : text[..at];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
            exponent -= mantissa.Length - point - 1;
        var digits = BigInteger.Parse(mantissa.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (digits.IsZero)
            return (0, 0);
        while ((digits % 10).IsZero)
            (digits, exponent) = (digits / 10, exponent + 1);
        return (digits, exponent);
    }
}
