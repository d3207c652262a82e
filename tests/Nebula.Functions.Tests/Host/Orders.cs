using System.Globalization;
using System.Text;

namespace Nebula.Functions.Tests.Host;

/// <summary>A table that is the same wherever it is written as CSV: a row is found again by its bytes.</summary>
internal static class Orders
{
    public static string Csv(int rows)
    {
        var text = new StringBuilder("id,name,amount\n");
        for (var i = 0; i < rows; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i},order-{i * 7919 % 1013},{i * 0.25}\n");
        return text.ToString();
    }

    /// <summary>Files, one behind the other, without the headers of all but the first.</summary>
    public static string Join(IEnumerable<string> files) =>
        string.Concat(files.Select(static (file, i) => i == 0 ? file : file[(file.IndexOf('\n', StringComparison.Ordinal) + 1)..]));
}
