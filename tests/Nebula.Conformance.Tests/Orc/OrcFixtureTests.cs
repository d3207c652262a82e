using System.Text;
using System.Text.RegularExpressions;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Formats.Orc;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Orc;

public sealed partial class OrcFixtureTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(64 << 10)]
    [InlineData(64 << 20)]
    public void Read_EveryFile_GivesTheExpectedRows(int blockSize)
    {
        if (!SharedFixtures.TryFind("orc", output, out _))
            return;
        var failures = new List<string>();
        foreach (var unit in ContainerFixtures.Units("orc").Concat(ContainerFixtures.Units("max-nesting-depth").Where(static unit =>
            unit.Name.Contains("/orc/", StringComparison.Ordinal))))
        {
            if (!unit.HasExpectation)
                continue;
            try
            {
                var content = ContainerFixtures.Read(new OrcFormat(), unit.Path, blockSize);
                if (ContainerFixtures.Compare(unit, AsExpectationsRender(content)) is { } difference)
                    failures.Add($"{unit.Name}: {difference}");
            }
            catch (Exception e)
            {
                failures.Add($"{unit.Name}: {e}");
            }
        }
        Assert.True(failures.Count == 0, $"{failures.Count} failures\n" + string.Join("\n", failures));
    }

    [Fact]
    public void Read_BadFiles_AreRefusedOrRight()
    {
        if (!SharedFixtures.TryFind("orc-bad", output, out _))
            return;
        foreach (var unit in ContainerFixtures.Units("orc-bad"))
        {
            var refusal = ContainerFixtures.Refusal(() => ContainerFixtures.Read(new OrcFormat(), unit.Path));
            output.WriteLine($"{unit.Name} ({unit.Verdict}, {unit.Note}): {refusal?.Message ?? "read"}");
            if (unit.Verdict == "reject")
                Assert.NotNull(refusal);
            if (unit.Verdict == "read")
                Assert.Null(refusal);
        }
    }

    /// <summary>Puts into the form of the expectations what Nebula's types say in another way: unions are structs, timestamps in microseconds have six
    /// digits.</summary>
    private static ContainerContent AsExpectationsRender(ContainerContent content)
    {
        var type = content.Schema.ToString();
        var lines = content.Lines;
        if (type.Contains("struct<tag: uint8", StringComparison.Ordinal))
            lines = [.. lines.Select(UnionText.Convert)];
        if (type.Contains(": timestamp", StringComparison.Ordinal) && !type.Contains("timestamp(ns", StringComparison.Ordinal))
            lines = [.. lines.Select(static line => SixDigits().Replace(line, "${0}000"))];
        // decimals of Hive 0.11 have no declared scale: 18 digits here, 6 and the others cut off in the expectations
        if (type.Contains("decimal(38,18)", StringComparison.Ordinal) && !type.Contains("b: decimal(38,18)", StringComparison.Ordinal))
            lines = [.. lines.Select(static line => EighteenDigits().Replace(line, "$1"))];
        return content with { Lines = lines };
    }

    [GeneratedRegex(@"(?<=""decimal1"":"")(-?\d+\.\d{6})\d{12}(?="")")]
    private static partial Regex EighteenDigits();

    [GeneratedRegex(@"(?<=""[-+0-9]+-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})(?=Z?"")")]
    private static partial Regex SixDigits();

    /// <summary>Turns <c>{"tag":1,"field0":null,"field1":2}</c> into <c>{"tag":1,"value":2}</c>.</summary>
    private static class UnionText
    {
        private const string Start = "{\"tag\":";

        public static string Convert(string line)
        {
            var text = new StringBuilder();
            var position = 0;
            while (line.IndexOf(Start, position, StringComparison.Ordinal) is var start and >= 0)
            {
                text.Append(line, position, start - position);
                position = start + Start.Length;
                var end = Skip(line, position);
                var tag = int.Parse(line.AsSpan(position, end - position), System.Globalization.CultureInfo.InvariantCulture);
                text.Append(Start).Append(tag).Append(",\"value\":");
                for (var field = 0; line[end] == ','; field++)
                {
                    var value = Skip(line, end + 1) + 1;
                    end = Skip(line, value);
                    if (field == tag)
                        text.Append(Convert(line[value..end]));
                }
                text.Append('}');
                position = end + 1;
            }
            return text.Append(line, position, line.Length - position).ToString();
        }

        /// <summary>End of the value, or key, that starts at a position.</summary>
        private static int Skip(string line, int position)
        {
            var depth = 0;
            for (; ; position++)
                switch (line[position])
                {
                    case '"':
                        for (position++; line[position] != '"'; position++)
                            if (line[position] == '\\')
                                position++;
                        if (depth == 0)
                            return position + 1;
                        break;
                    case '{' or '[':
                        depth++;
                        break;
                    case '}' or ']' when depth == 0:
                    case ',' when depth == 0:
                        return position;
                    case '}' or ']':
                        depth--;
                        if (depth == 0)
                            return position + 1;
                        break;
                }
        }
    }
}
