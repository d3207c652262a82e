using System.Text;

namespace Nebula.Cli.Output;

/// <summary>An aligned table for people.</summary>
internal sealed class TextTable(params string[] headings)
{
    private const string Gap = "  ";
    private const int LeastCut = 8;
    private const int LeastWrapped = 20;
    private readonly List<string?[]> _rows = [];
    private readonly bool[] _alignRight = new bool[headings.Length];

    /// <summary>What stands for an absent value.</summary>
    public string Absent { get; init; } = "";

    /// <summary>Whether long cells are cut to one line where the window is narrow; otherwise they are wrapped, and nothing is lost.</summary>
    public bool Cuts { get; init; }

    /// <summary>Adds a row; null cells are absent values.</summary>
    public void Add(params string?[] cells) => _rows.Add(cells);

    /// <summary>Puts the cells of a column to the right, as numbers are read best.</summary>
    public void AlignRight(int column) => _alignRight[column] = true;

    /// <summary>Writes the table.</summary>
    /// <param name="output">Takes it.</param>
    /// <param name="width">Columns of the window that lines must fit into; null where they may be of any length.</param>
    /// <remarks>Columns that do not fit beside each other even when their cells are wrapped come in several tables, one below the other, each
    /// with the columns that tell the rows apart: those up to the first of texts.</remarks>
    public void Write(TextWriter output, int? width)
    {
        var widths = new int[headings.Length];
        for (var i = 0; i < headings.Length; i++)
            widths[i] = _rows.Select(row => Clean(row[i]).Length).Append(headings[i].Length).Max();
        if (width is { } most)
            Shrink(widths, most, Cuts ? LeastCut : LeastWrapped);
        var all = Enumerable.Range(0, headings.Length).ToList();
        var groups = Cuts || width is null ? [all] : Groups(all, widths, width.Value);
        foreach (var columns in groups)
        {
            if (columns != groups[0])
                output.WriteLine();
            WriteRow(output, headings, columns, widths);
            foreach (var row in _rows)
                WriteRow(output, row, columns, widths);
        }
    }

    /// <summary>Takes from the widest columns first.</summary>
    private static void Shrink(int[] widths, int most, int least)
    {
        var available = most - (widths.Length - 1) * Gap.Length;
        while (widths.Sum() > available)
        {
            var widest = Array.IndexOf(widths, widths.Max());
            if (widths[widest] <= least)
                return;
            widths[widest]--;
        }
    }

    private List<List<int>> Groups(List<int> all, int[] widths, int most)
    {
        var names = all.Take(Array.IndexOf(_alignRight, false) + 1).ToList();
        var groups = new List<List<int>>();
        var group = names.ToList();
        foreach (var column in all.Skip(names.Count))
        {
            if (group.Count > names.Count && group.Append(column).Sum(i => widths[i] + Gap.Length) - Gap.Length > most)
            {
                groups.Add(group);
                group = names.ToList();
            }
            group.Add(column);
        }
        groups.Add(group);
        return groups;
    }

    private void WriteRow(TextWriter output, string?[] cells, List<int> columns, int[] widths)
    {
        var lines = columns.Select(i => Lines(Clean(cells[i]), widths[i])).ToList();
        for (var line = 0; line < lines.Max(static cell => cell.Count); line++)
        {
            var text = new StringBuilder();
            for (var i = 0; i < columns.Count; i++)
            {
                var cell = line < lines[i].Count ? lines[i][line] : "";
                text.Append(_alignRight[columns[i]] ? cell.PadLeft(widths[columns[i]]) : cell.PadRight(widths[columns[i]])).Append(Gap);
            }
            output.WriteLine(text.ToString().TrimEnd());
        }
    }

    private List<string> Lines(string cell, int width)
    {
        var lines = new List<string>();
        while (cell.Length > width && !Cuts)
        {
            // behind a blank, which goes, or a mark between words, which stays
            var end = cell[width] == ' ' ? width : cell.LastIndexOfAny([' ', '|', ',', '/'], width - 1, width) + 1;
            if (cell.AsSpan(0, end).Trim(' ').IsEmpty)
                end = width;
            lines.Add(cell[..end].TrimEnd());
            cell = cell[end..].TrimStart(' ');
        }
        lines.Add(cell.Length > width ? string.Concat(cell.AsSpan(0, width - 1), "…") : cell);
        return lines;
    }

    // line ends and other controls would break the alignment, or worse, the terminal
    private string Clean(string? cell)
    {
        if (cell is null)
            return Absent;
        if (!cell.Any(char.IsControl))
            return cell;
        var clean = new StringBuilder(cell.Length + 8);
        foreach (var c in cell)
            _ = c switch
            {
                '\n' => clean.Append("\\n"),
                '\r' => clean.Append("\\r"),
                '\t' => clean.Append("\\t"),
                _ => char.IsControl(c) ? clean.Append('·') : clean.Append(c),
            };
        return clean.ToString();
    }
}
