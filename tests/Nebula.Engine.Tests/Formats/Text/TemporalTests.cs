using System.Globalization;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Tests.Formats.Text;

public sealed unsafe class TemporalTests
{
    private static readonly DateTime Epoch = new(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void Date_EveryDayOfTheBcl_AgreesAndIsReadBack()
    {
        const int first = -719_162;
        for (var days = first; days <= 2_932_896; days += days % 5 == 0 ? 1 : 3)
        {
            var expected = Epoch.AddDays(days);
            Temporal.ToDate(days, out var year, out var month, out var day);
            if ((year, month, day) != (expected.Year, expected.Month, expected.Day) || Temporal.ToDays(year, month, day) != days)
                Assert.Fail($"day {days} is {year}-{month}-{day} instead of {expected:yyyy-MM-dd}");
        }
    }

    [Fact]
    public void Date_EveryYearBorderBeyondTheBcl_IsOneDay()
    {
        for (var year = -12_000; year <= 12_000; year++)
        {
            var last = Temporal.ToDays(year, 12, 31);
            Assert.Equal(last + 1, Temporal.ToDays(year + 1, 1, 1));
            Temporal.ToDate(last, out var y, out var m, out var d);
            Assert.Equal((year, 12, 31), (y, m, d));
            Temporal.ToDate(last + 1, out y, out m, out d);
            Assert.Equal((year + 1, 1, 1), (y, m, d));
            var isLeap = ((year % 4) + 4) % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            Assert.Equal(isLeap ? 366 : 365, last - Temporal.ToDays(year, 1, 1) + 1);
        }
    }

    [Theory]
    [InlineData(0, "1970-01-01")]
    [InlineData(-719_528, "0000-01-01")]
    [InlineData(-719_529, "-000001-12-31")]
    [InlineData(2_932_896, "9999-12-31")]
    [InlineData(2_932_897, "+010000-01-01")]
    [InlineData(int.MaxValue, "+5881580-07-11")]
    [InlineData(int.MinValue, "-5877641-06-23")]
    public void WriteDate_Table(int days, string expected) => Assert.Equal(expected, PaddedText.Format(p => Temporal.WriteDate(p, days)));

    [Fact]
    public void WriteDate_EveryDayOfThreeCenturies_AgreesWithTheBclAndIsReadBack()
    {
        for (var day = new DateTime(1850, 1, 1, 0, 0, 0, DateTimeKind.Utc); day.Year < 2150; day = day.AddDays(1))
        {
            var days = (int)(day - Epoch).TotalDays;
            var text = PaddedText.Format(p => Temporal.WriteDate(p, days));
            if (text != day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) || Date(text) != days)
                Assert.Fail($"day {days} is {text} instead of {day:yyyy-MM-dd}, and is read back as {Date(text)}");
        }
    }

    [Theory]
    [InlineData("2024-02-29", true)]
    [InlineData("2000-02-29", true)]
    [InlineData("0000-02-29", true)]
    [InlineData("1900-02-29", false)]
    [InlineData("2023-02-29", false)]
    [InlineData("2024-02-30", false)]
    [InlineData("2024-04-31", false)]
    [InlineData("2024-00-10", false)]
    [InlineData("2024-13-10", false)]
    [InlineData("2024-01-00", false)]
    [InlineData("2024-1-01", false)]
    [InlineData("2024/01/01", false)]
    [InlineData("20240101", false)]
    [InlineData("2024-01-01 ", false)]
    [InlineData("202a-01-01", false)]
    [InlineData("2024-0:-01", false)]
    [InlineData("", false)]
    public void TryParseDate_Table(string text, bool good) => Assert.Equal(good, Date(text) is not null);

    [Fact]
    public void TryParseDate_EveryDay_IsReadBack()
    {
        for (var days = -719_528; days <= 2_932_896; days += 7)
        {
            var text = PaddedText.Format(p => Temporal.WriteDate(p, days));
            if (Date(text) != days)
                Assert.Fail(text);
        }
    }

    /// <summary>Every byte at every place of a date: only dates are read, and as the BCL reads them.</summary>
    [Fact]
    public void TryParseDateAndTime_OneByteChanged_AgreesWithTheBcl()
    {
        const string template = "2020-12-29T23:59:38";
        for (var at = 0; at < template.Length; at++)
            for (var c = '\0'; c < 128; c++)
            {
                var text = template[..at] + c + template[(at + 1)..];
                DateTime? expected = DateTime.TryParseExact(text, ["yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd't'HH:mm:ss", "yyyy-MM-dd HH:mm:ss"],
                    CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var value)
                    && text.AsSpan().IndexOfAny(" tT") == 10 && text.All(static x => x < 128) ? value : null;
                var found = Timestamp(text, false) is { } micro ? Epoch.AddTicks(micro.Value * 10) : (DateTime?)null;
                Assert.True(expected == found, $"{text} is {found} instead of {expected}");
                if (at < 10)
                    Assert.Equal(expected?.Date, Date(text[..10]) is { } days ? Epoch.AddDays(days) : null);
                if (at > 10)
                    Assert.Equal(expected?.TimeOfDay.Ticks / 10, Time(text[11..]));
            }
    }

    [Theory]
    [InlineData("2020-01-01T00:00:00", 1577836800000000, false)]
    [InlineData("2020-01-01 00:00:00.5", 1577836800500000, false)]
    [InlineData("2020-01-01T00:00:00.123456", 1577836800123456, false)]
    [InlineData("2020-01-01T00:00:00.123456000", 1577836800123456, false)]
    [InlineData("2020-01-01T00:00:00Z", 1577836800000000, true)]
    [InlineData("2020-01-01t00:00:00z", 1577836800000000, true)]
    [InlineData("2020-01-01T02:00:00+02:00", 1577836800000000, true)]
    [InlineData("2020-01-01T02:00:00+0200", 1577836800000000, true)]
    [InlineData("2020-01-01T02:00:00+02", 1577836800000000, true)]
    [InlineData("2019-12-31T19:30:00.25-04:30", 1577836800250000, true)]
    [InlineData("1969-12-31T23:59:59.999999", -1, false)]
    [InlineData("9999-12-31T23:59:59.999999", 253402300799999999, false)]
    public void TryParseTimestamp_Good_GivesMicroseconds(string text, long expected, bool zone) => Assert.Equal((expected, zone), Timestamp(text, false));

    [Theory]
    [InlineData("2020-01-01T00:00:00.1234567", false)]
    [InlineData("2020-01-01T00:00:00.1234567890", true)]
    [InlineData("2020-01-01T00:00:00.", false)]
    [InlineData("2020-01-01T24:00:00", false)]
    [InlineData("2020-01-01T23:60:00", false)]
    [InlineData("2020-01-01T23:59:60", false)]
    [InlineData("2020-01-01\u000000:00:00", false)]
    [InlineData("2020-01-01T00:00", false)]
    [InlineData("2020-01-01T00:00:00 Z", false)]
    [InlineData("2020-01-01T00:00:00+24:00", false)]
    [InlineData("2020-01-01T00:00:00+01:60", false)]
    [InlineData("2020-01-01T00:00:00+1:00", false)]
    [InlineData("2020-01-01T00:00:00+", false)]
    [InlineData("2020-01-01T00:00:00+01-00", false)]
    [InlineData("2020-02-30T00:00:00", false)]
    [InlineData("2300-01-01T00:00:00", true)]
    [InlineData("1600-01-01T00:00:00", true)]
    public void TryParseTimestamp_Bad_IsRefused(string text, bool nanoseconds) => Assert.Null(Timestamp(text, nanoseconds));

    [Fact]
    public void Timestamp_AnyValue_IsReadBack()
    {
        const int seed = 31;
        var random = new Random(seed);
        for (var round = 0; round < 50_000; round++)
        {
            var nanoseconds = random.Next(2) == 0;
            var utc = random.Next(2) == 0;
            var value = nanoseconds ? random.NextInt64(long.MinValue, long.MaxValue) : random.NextInt64(-62_167_219_200_000_000, 253_402_300_800_000_000);
            value -= random.Next(3) switch { 0 => value % 1_000_000_000, 1 => value % 1000, _ => 0 };
            var text = PaddedText.Format(p => Temporal.WriteTimestamp(p, value, nanoseconds, utc));
            Assert.True(text.Length <= Temporal.MaxLength);
            Assert.True((value, utc) == Timestamp(text, nanoseconds), $"seed {seed}: {value} became {text}");
        }
    }

    [Theory]
    [InlineData(0, "00:00:00")]
    [InlineData(86_399_999_999, "23:59:59.999999")]
    [InlineData(500_000, "00:00:00.500")]
    [InlineData(86_400_000_000, "24:00:00")]
    [InlineData(-1, "-00:00:00.000001")]
    [InlineData(-3_600_000_000, "-01:00:00")]
    [InlineData(360_000_000_001, "100:00:00.000001")]
    [InlineData(long.MinValue, "-2562047788:00:54.775808")]
    public void WriteTime_Table(long microseconds, string expected) =>
        Assert.Equal(expected, PaddedText.Format(p => Temporal.WriteTime(p, microseconds, nanoseconds: false)));

    [Theory]
    [InlineData(0, "00:00:00")]
    [InlineData(86_399_999_999_999, "23:59:59.999999999")]
    [InlineData(1_000, "00:00:00.000001")]
    [InlineData(500_000_000, "00:00:00.500")]
    [InlineData(86_400_000_000_000, "24:00:00")]
    [InlineData(-1, "-00:00:00.000000001")]
    [InlineData(long.MinValue, "-2562047:47:16.854775808")]
    public void WriteTime_Nanoseconds_Table(long nanoseconds, string expected) =>
        Assert.Equal(expected, PaddedText.Format(p => Temporal.WriteTime(p, nanoseconds, nanoseconds: true)));

    [Theory]
    [InlineData("23:59:59", 86_399_000_000_000L)]
    [InlineData("00:00:00.000000001", 1L)]
    [InlineData("12:00:00.1234567", 43_200_123_456_700L)]
    [InlineData("12:00:00.1234567890", null)]
    [InlineData("24:00:00", null)]
    public void TryParseTime_Nanoseconds_Table(string text, long? expected) => Assert.Equal(expected, Time(text, nanoseconds: true));

    [Theory]
    [InlineData("23:59:59", 86_399_000_000L)]
    [InlineData("00:00:00.000001", 1L)]
    [InlineData("12:00:00.5", 43_200_500_000L)]
    [InlineData("24:00:00", null)]
    [InlineData("12:00", null)]
    [InlineData("12:00:00Z", null)]
    [InlineData("12:00:00.1234567", null)]
    [InlineData("1:00:00", null)]
    public void TryParseTime_Table(string text, long? expected) => Assert.Equal(expected, Time(text));

    private static int? Date(string text) => PaddedText.Parse(text, static (p, length) => Temporal.TryParseDate(p, length, out var days) ? days : (int?)null);

    private static long? Time(string text, bool nanoseconds = false) =>
        PaddedText.Parse(text, (p, length) => Temporal.TryParseTime(p, length, nanoseconds, out var value) ? value : (long?)null);

    private static (long Value, bool HasZone)? Timestamp(string text, bool nanoseconds) =>
        PaddedText.Parse(text, (p, length) => Temporal.TryParseTimestamp(p, length, nanoseconds, out var value, out var zone)
            ? (value, zone) : ((long, bool)?)null);
}
