using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Conformance.Tests.Containers;

public class FixtureRowsTests
{
    [Theory]
    [InlineData(1.0, "1")]
    [InlineData(0.1, "0.1")]
    [InlineData(1e21, "1e+21")]
    [InlineData(123456789012345680000.0, "123456789012345680000")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1.5e-7, "1.5e-7")]
    [InlineData(0.000001, "0.000001")]
    [InlineData(-1.25, "-1.25")]
    [InlineData(1.7976931348623157e308, "1.7976931348623157e+308")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(double.NaN, "\"NaN\"")]
    public void Render_Float64_AsEcmaScriptPrints(double value, string expected)
    {
        using var pool = new BufferPool();
        var buffer = pool.Rent(8);
        buffer.As<double>()[0] = value;
        Assert.Equal(expected, RenderOne(new Column(DataType.Float64, 1, 0, null, buffer)));
    }

    [Theory]
    [InlineData(-719528, "\"0000-01-01\"")]
    [InlineData(-719529, "\"-000001-12-31\"")]
    [InlineData(0, "\"1970-01-01\"")]
    [InlineData(19782, "\"2024-02-29\"")]
    [InlineData(2932897, "\"+010000-01-01\"")]
    public void Render_Date_InAnyYear(int days, string expected)
    {
        using var pool = new BufferPool();
        var buffer = pool.Rent(4);
        buffer.As<int>()[0] = days;
        Assert.Equal(expected, RenderOne(new Column(DataType.Date, 1, 0, null, buffer)));
    }

    private static string RenderOne(Column column)
    {
        var text = new StringBuilder();
        using (column)
            FixtureRows.Render(text, new Schema([new Field("v", column.Type)]), [column], 0);
        return text.ToString()["{\"v\":".Length..^1];
    }
}
