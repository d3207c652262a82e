using System.Text;
using Nebula.Engine.Formats.Csv.Reading;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Tests.Formats.Text;

namespace Nebula.Engine.Tests.Formats.Csv;

public sealed unsafe class CsvQuotesTests
{
    public static TheoryData<string, string?> Fields => new()
    {
        { "\"\"", "" },
        { "\"a\"", "a" },
        { "\"\"\"\"", "\"" },
        { "\"\"\"\"\"\"", "\"\"" },
        { "\"a\"\"b\"", "a\"b" },
        { "\"", null },
        { "\"a", null },
        { "\"\"\"", null },
        { "\"a\"b", null },
        { "\"a\"b\"", null },
        { "\"a\" \"\"", null },
        { "\"" + new string('x', 63) + "\"\"y\"", new string('x', 63) + "\"y" },
        { "\"" + new string('x', 63) + "\"y\"", null },
    };

    [Theory, MemberData(nameof(Fields))]
    public void Unquote_Table(string field, string? expected) => Assert.Equal(expected, Unquoted(field));

    [Fact]
    public void Unquote_AnyField_AgreesWithTheRule()
    {
        const int Seed = 31;
        var random = new Random(Seed);
        for (var i = 0; i < 20_000; i++)
        {
            var length = random.Next(200);
            var field = new StringBuilder("\"");
            while (field.Length < length)
                field.Append(random.Next(random.Next(2) == 0 ? 4 : 60) == 0 ? (random.Next(12) == 0 ? "\"" : "\"\"") : "z");
            field.Append('"');
            var content = field.ToString()[1..^1];
            // what is left when every two are gone has no quote, unless one was alone
            var isGood = !content.Replace("\"\"", "", StringComparison.Ordinal).Contains('"', StringComparison.Ordinal);
            var found = Unquoted(field.ToString());
            Assert.True((isGood ? content.Replace("\"\"", "\"", StringComparison.Ordinal) : null) == found,
                $"seed {Seed}, field {field} became {found ?? "nothing"}");
        }
    }

    private static string? Unquoted(string field)
    {
        var byInstruction = ByteFilter.IsSupported ? Apply(field, static (p, length, target) => CsvQuotes.UnquoteFiltered(p, length, (byte)'"', target)) : null;
        var result = Apply(field, static (p, length, target) => CsvQuotes.UnquoteDoubled(p, length, (byte)'"', target));
        if (ByteFilter.IsSupported)
            Assert.Equal(result, byInstruction);
        return result;
    }

    private static string? Apply(string field, Unquote unquote) => PaddedText.Parse(field, (p, length) =>
    {
        var target = new byte[length + 128];
        fixed (byte* t = target)
        {
            var count = unquote(p, length, t);
            return count < 0 ? null : Encoding.UTF8.GetString(target, 0, count);
        }
    });

    private delegate int Unquote(byte* field, int length, byte* target);
}
