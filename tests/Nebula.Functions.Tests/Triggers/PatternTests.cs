using System.Globalization;
using Nebula.Engine.Configuration;
using Nebula.Functions.Triggers;
using Nebula.Orchestration;

namespace Nebula.Functions.Tests.Triggers;

public sealed class PatternTests
{
    [Theory]
    [InlineData("landing/{name}.csv.gz", "landing/a.csv.gz", true)]
    [InlineData("landing/{name}.csv.gz", "landing/x/a.csv.gz", false)]
    [InlineData("landing/{name}.csv.gz", "landing/.csv.gz", false)]
    [InlineData("landing/{year}/{name}.csv", "landing/2026/a.csv", true)]
    [InlineData("landing/*.csv", "landing/a.csv", true)]
    [InlineData("landing/*.csv", "landing/a.csv.bak", false)]
    [InlineData("landing/**", "landing/x/y/a.csv", true)]
    [InlineData("landing/**/a.csv", "landing/x/y/a.csv", true)]
    [InlineData("landing/a?.csv", "landing/a1.csv", true)]
    [InlineData("landing/a?.csv", "landing/a/.csv", false)]
    [InlineData("landing/a+(1).csv", "landing/a+(1).csv", true)]
    [InlineData("landing/a+(1).csv", "landing/aa1.csv", false)]
    [InlineData("landing/{unfinished", "landing/{unfinished", true)]
    [InlineData("landing/**.csv", "landing/a\n.csv", true)]
    [InlineData("landing/*.csv", "landing/a.csv\n", false)]
    public void BlobPattern_Path_FitsOrNot(string pattern, string path, bool fits) => Assert.Equal(fits, BlobPattern.Matches(pattern, path));

    [Fact]
    public void Occasions_OfDifferentIds_Differ()
    {
        string[] ids = ["a", "A", "a/b", "a-b", "a b", "é", new('x', 64), new('x', 65), new('x', 66), "0x8D4\"", ""];
        var names = ids
            .SelectMany(static id => new[] { Occasions.Of("blob", id), Occasions.Of("blob", id, "https://a"), Occasions.Of("blob", id, "https://b") })
            .ToList();
        Assert.Equal(names.Count, names.Distinct(StringComparer.Ordinal).Count());
        Assert.All(names, static name =>
        {
            Assert.Matches("^blob-[A-Za-z0-9_-]*$", name);
            InstanceIds.Check(new string('p', 100) + "." + name);
        });
        Assert.Equal(Occasions.Of("blob", "a/b", "c"), Occasions.Of("blob", "a/b", "c"));
        Assert.NotEqual(Occasions.Of("blob", "ab", "c"), Occasions.Of("blob", "a", "bc"));
    }

    [Theory]
    [InlineData("0 0 * * * *", "2026-03-01T10:00:00Z", "2026-03-01T10:59:59Z", null)]
    [InlineData("0 0 * * * *", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "2026-03-01T11:00:00Z")]
    [InlineData("0 0 * * * *", "2026-03-01T10:00:00Z", "2026-03-04T11:30:00Z", "2026-03-04T11:00:00Z")]
    [InlineData("0 0 0 1 1 *", "2020-01-01T00:00:00Z", "2026-03-04T11:30:00Z", "2026-01-01T00:00:00Z")]
    [InlineData("* * * * * *", "2020-01-01T00:00:00Z", "2026-03-04T11:30:00Z", "2026-03-04T11:30:00Z")]
    public void LastBetween_Times_GivesTheLastThatWasDue(string schedule, string after, string until, string? due) =>
        Assert.Equal(due is null ? null : Time(due), TimerTriggers.LastBetween(CronSchedule.Parse(schedule)!, Time(after), Time(until)));

    private static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
}
