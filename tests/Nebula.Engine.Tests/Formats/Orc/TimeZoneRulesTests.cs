using System.Globalization;
using Nebula.Engine.Formats.Orc.Reading;

namespace Nebula.Engine.Tests.Formats.Orc;

public class TimeZoneRulesTests
{
    [Theory]
    [InlineData("America/Los_Angeles", "2015-01-01T00:00:00", -8 * 3600)]
    [InlineData("America/Los_Angeles", "2015-07-01T00:00:00", -7 * 3600)]
    [InlineData("America/Los_Angeles", "2399-07-01T00:00:00", -7 * 3600)]
    [InlineData("America/Los_Angeles", "2399-12-24T00:00:00", -8 * 3600)]
    [InlineData("Europe/Berlin", "2150-03-29T00:59:59", 3600)]
    [InlineData("Europe/Berlin", "2150-03-29T01:00:00", 7200)]
    [InlineData("Australia/Sydney", "2200-01-15T00:00:00", 11 * 3600)]
    [InlineData("Australia/Sydney", "2200-06-15T00:00:00", 10 * 3600)]
    [InlineData("Asia/Shanghai", "1970-01-01T00:00:00", 8 * 3600)]
    [InlineData("Asia/Kathmandu", "2024-01-01T00:00:00", 20_700)]
    [InlineData("America/Lima", "1998-08-02T00:00:00", -5 * 3600)]
    [InlineData("UTC", "1600-01-01T00:00:00", 0)]
    public void OffsetAt_KnownTimes_IsWhatClocksShowed(string zone, string utc, int expected)
    {
        var seconds = (long)(DateTime.Parse(utc, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal)
            - DateTime.UnixEpoch).TotalSeconds;
        var rules = TimeZoneRules.Find(zone);
        Assert.Equal(expected, rules.OffsetAt(seconds, out var from, out var to));
        Assert.InRange(seconds, from, to - 1);
    }

    [Theory]
    [InlineData("America/New_York")]
    [InlineData("Europe/London")]
    [InlineData("Australia/Lord_Howe")]
    [InlineData("America/Sao_Paulo")]
    public void OffsetAt_AnyTime_AgreesWithTheRuntime(string zone)
    {
        var expected = TimeZoneInfo.FindSystemTimeZoneById(zone);
        var rules = TimeZoneRules.Find(zone);
        var random = new Random(zone.Length);
        for (var i = 0; i < 2000; i++)
        {
            var time = new DateTime(random.NextInt64(new DateTime(1930, 1, 1).Ticks, new DateTime(2100, 1, 1).Ticks), DateTimeKind.Utc);
            var offset = rules.OffsetAt((long)(time - DateTime.UnixEpoch).TotalSeconds, out _, out _);
            Assert.True(expected.GetUtcOffset(time).TotalSeconds == offset, $"{zone} at {time:O}: {expected.GetUtcOffset(time)} or {offset} s");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("Mars/Olympus")]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    public void Find_UnknownZone_IsRefused(string zone) => Assert.Throws<Nebula.Engine.Formats.Orc.OrcFault>(() => TimeZoneRules.Find(zone));
}
