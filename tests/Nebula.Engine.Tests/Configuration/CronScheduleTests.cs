using System.Globalization;
using Nebula.Engine.Configuration;

namespace Nebula.Engine.Tests.Configuration;

public sealed class CronScheduleTests
{
    [Theory]
    [InlineData("0 */5 * * * *", "2026-03-01T10:04:59", "2026-03-01T10:05:00")]
    [InlineData("0 */5 * * * *", "2026-03-01T10:05:00", "2026-03-01T10:10:00")]
    [InlineData("*/5 * * * *", "2026-03-01T10:05:00", "2026-03-01T10:10:00")]
    [InlineData("0 0 0 * * *", "2026-12-31T00:00:00", "2027-01-01T00:00:00")]
    [InlineData("30 59 23 31 12 *", "2026-01-01T00:00:00", "2026-12-31T23:59:30")]
    [InlineData("0 0 9-17/4 * * MON-FRI", "2026-03-06T17:00:00", "2026-03-09T09:00:00")]
    [InlineData("0 0 9-17/4 * * 1-5", "2026-03-06T09:00:00", "2026-03-06T13:00:00")]
    [InlineData("0 0 0 29 2 *", "2096-03-01T00:00:00", "2104-02-29T00:00:00")]
    [InlineData("0 0 0 13 * fri", "2026-01-01T00:00:00", "2026-02-13T00:00:00")]
    [InlineData("5,10,50/3 0 0 * jan *", "2026-01-01T00:00:10", "2026-01-01T00:00:50")]
    [InlineData("5,10,50/3 0 0 * jan *", "2026-01-01T00:00:50", "2026-01-01T00:00:53")]
    [InlineData("0 0 12 1 */2 *", "2026-03-01T12:00:00", "2026-05-01T12:00:00")]
    public void Next_Schedule_GivesTheFirstTimeBehind(string schedule, string after, string next) =>
        Assert.Equal(Time(next), CronSchedule.Parse(schedule)!.Next(Time(after)));

    [Theory]
    [InlineData("")]
    [InlineData("daily")]
    [InlineData("* * * *")]
    [InlineData("* * * * * * *")]
    [InlineData("60 * * * * *")]
    [InlineData("* * 24 * * *")]
    [InlineData("* * * 0 * *")]
    [InlineData("* * * * 13 *")]
    [InlineData("* * * * * 7")]
    [InlineData("*/0 * * * * *")]
    [InlineData("*/99999999999 * * * * *")]
    [InlineData("5-1 * * * * *")]
    [InlineData("1-2-3 * * * * *")]
    [InlineData("1,,2 * * * * *")]
    [InlineData("-1 * * * * *")]
    [InlineData("0 0 0 31 2 *")]
    public void Parse_NoSchedule_GivesNull(string schedule) => Assert.Null(CronSchedule.Parse(schedule));

    [Fact]
    public void Next_AgainstEverySecond_IsTheFirstThatFits()
    {
        var random = new Random(20260301);
        for (var round = 0; round < 50; round++)
        {
            var (minute, hour, step) = (random.Next(60), random.Next(24), random.Next(1, 30));
            var schedule = CronSchedule.Parse($"*/{step} {minute} {hour} * * *")!;
            var after = DateTime.UnixEpoch.AddSeconds(random.Next(int.MaxValue));
            var expected = after.AddSeconds(1);
            while (expected.Second % step != 0 || expected.Minute != minute || expected.Hour != hour)
                expected = expected.AddSeconds(1);
            Assert.Equal(expected, schedule.Next(after));
        }
    }

    [Fact]
    public void Next_AtTheEndOfTime_GivesNull() => Assert.Null(CronSchedule.Parse("0 0 0 1 1 *")!.Next(DateTime.MaxValue));

    [Theory]
    [InlineData("schedule: '0 0 * * * *'", "0 0 * * * *", null)]
    [InlineData("schedule: none", null, null)]
    [InlineData("azure: { triggers: { timer: '0 0 5 * * *' } }", "0 0 5 * * *", null)]
    [InlineData("schedule: '0 0 * * * *'\nazure: { triggers: { timer: { schedule: '0 0 5 * * *' }, blob: 'landing/{name}.csv' } }",
        "0 0 5 * * *", "landing/{name}.csv")]
    [InlineData("azure: { triggers: { blob: { path: a/b } } }", null, "a/b")]
    public void Load_Triggers_AreOfThePipeline(string text, string? schedule, string? blob)
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("nebula-").FullName, "shop.yaml");
        File.WriteAllText(path, "source: { type: csv, path: a.csv }\ntarget: { type: csv, path: b.csv }\n" + text);
        var pipeline = PipelineFile.Load(path, new ConfigEnvironment());
        Assert.Equal((schedule, blob), (pipeline.Triggers.Schedule?.Text, pipeline.Triggers.BlobPath));
    }

    private static DateTime Time(string text) =>
        DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
}
