using System.Text;
using Nebula.Engine.Formats.Csv;

namespace Nebula.Engine.Tests.Formats.Csv;

/// <summary>The rules of the dialect once more, as plainly as they can be written, on the whole input at once: what the fast reader is held against.</summary>
internal static class ReferenceCsvReader
{
    public static CsvReading.Result Read(byte[] input, CsvDialect dialect)
    {
        var result = new CsvReading.Result([], [], input.Count(b => b == dialect.NewLine));
        var at = 0;
        for (var i = 0; i < dialect.SkipRows; i++)
        {
            while (at < input.Length && input[at] != dialect.NewLine)
                at++;
            at = Math.Min(at + 1, input.Length);
        }
        var headerIsDue = dialect.Header;
        int counted = 0, lines = 0;
        while (at < input.Length)
        {
            var start = at;
            var fields = new List<byte[]>();
            if (dialect.Comment is { } comment && input[at] == comment)
            {
                while (at < input.Length && input[at] != dialect.NewLine)
                    at++;
                at++;
                continue;
            }
            int end;
            while (true)
            {
                var first = at;
                at = EndOfField(input, at, dialect);
                end = at;
                fields.Add(input[first..at]);
                at++;
                if (end >= input.Length || input[end] == dialect.NewLine)
                    break;
            }
            if (dialect.NewLine == '\n' && fields[^1] is [.. var cut, (byte)'\r'])
            {
                fields[^1] = cut;
                end--;
            }
            for (; counted < start; counted++)
                lines += input[counted] == dialect.NewLine ? 1 : 0;
            var line = 1 + lines;
            if (end == start)
                continue;
            if (headerIsDue)
            {
                headerIsDue = false;
                continue;
            }
            var raw = Encoding.Latin1.GetString(input[start..end]);
            if (fields.Count != dialect.Columns.Length && !(dialect.NullPadding && fields.Count < dialect.Columns.Length))
            {
                result.Rejected.Add((line, "count", raw));
                continue;
            }
            var values = new object?[dialect.Columns.Length];
            var good = true;
            for (var i = 0; i < fields.Count && good; i++)
                good = TryRead(fields[i], dialect, out values[i]);
            if (good)
                result.Rows.Add(values);
            else
                result.Rejected.Add((line, "quotes", raw));
        }
        return result;
    }

    private static int EndOfField(byte[] input, int at, CsvDialect dialect)
    {
        if (at < input.Length && input[at] == dialect.Quote)
        {
            at++;
            while (at < input.Length)
            {
                if (input[at] == Escape(dialect) && Escape(dialect) != dialect.Quote)
                    at += 2;
                else if (input[at] != dialect.Quote)
                    at++;
                else if (Escape(dialect) == dialect.Quote && at + 1 < input.Length && input[at + 1] == dialect.Quote)
                    at += 2;
                else
                    break;
            }
        }
        while (at < input.Length && input[at] != dialect.Delimiter && input[at] != dialect.NewLine)
            at++;
        return Math.Min(at, input.Length);
    }

    private static bool TryRead(byte[] field, CsvDialect dialect, out object? value)
    {
        value = Encoding.UTF8.GetString(field);
        if (field.Length == 0 || field[0] != dialect.Quote)
        {
            if (dialect.NullMarkers.Contains((string)value))
                value = null;
            return true;
        }
        var content = new List<byte>();
        for (var i = 1; i < field.Length; i++)
        {
            var next = i + 1 < field.Length ? field[i + 1] : (byte?)null;
            if (field[i] == Escape(dialect) && next is not null && (Escape(dialect) != dialect.Quote || next == dialect.Quote))
            {
                content.Add(next.Value);
                i++;
            }
            else if (field[i] == dialect.Quote)
            {
                value = Encoding.UTF8.GetString([.. content]);
                return i == field.Length - 1;
            }
            else
                content.Add(field[i]);
        }
        return false;
    }

    private static byte? Escape(CsvDialect dialect) => dialect.Escape ?? dialect.Quote;
}
