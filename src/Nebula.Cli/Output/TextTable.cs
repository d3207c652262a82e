using System.Text;

namespace Nebula.Cli.Output;

/// <summary>An aligned table for people.</summary>
internal sealed class TextTable(params string[] headings)
{
    private const string Gap = "  ";
    private const int LeastWidth = 8;
    private readonly List<string?[]> _rows = [];
    private readonly bool[] _alignRight = new bool[headings.Length];

    /// <summary>What stands for an absent value.</summary>
    public string Absent { get; init; } = "";

    /// <summary>Adds a row; null cells are absent values.</summary>
    public void Add(params string?[] cells) => _rows.Add(cells);

    /// <summary>Puts the cells of a column to the right, as numbers are read best.</summary>
    public void AlignRight(int column) => _alignRight[column] = true;

    /// <summary>Writes the table.</summary>
    /// <param name="output">Takes it.</param>
    /// <param name="width">Columns of the window; longer cells are cut so that lines fit as far as possible. Null to cut nothing.</param>
    public void Write(TextWriter output, int? width)
    {
        var widths = new int[headings.Length];
        for (var i = 0; i < headings.Length; i++)
            widths[i] = _rows.Select(row => Clean(row[i]).Length).Append(headings[i].Length).Max();
        if (width is { } most)
            Shrink(widths, most);
        WriteRow(output, headings, widths);
        foreach (var row in _rows)
            WriteRow(output, row, widths);
    }

    /// <summary>Takes from the widest columns first.</summary>
    private static void Shrink(int[] widths, int most)
    {
        var available = most - (widths.Length - 1) * Gap.Length;
        while (widths.Sum() > available)
        {
            var widest = Array.IndexOf(widths, widths.Max());
            if (widths[widest] <= LeastWidth)
                return;
            widths[widest]--;
        }
    }

    private void WriteRow(TextWriter output, string?[] cells, int[] widths)
    {
        var line = new StringBuilder();
        for (var i = 0; i < widths.Length; i++)
        {
            var cell = Clean(cells[i]);
            if (cell.Length > widths[i])
                cell = string.Concat(cell.AsSpan(0, widths[i] - 1), "…");
            line.Append(_alignRight[i] ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])).Append(Gap);
        }
        output.WriteLine(line.ToString().TrimEnd());
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
