using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;

namespace Nebula.Engine.Tests.Formats.Text;

public sealed unsafe class ValueTextTests
{
    public static TheoryData<string, object, string> Longest => new()
    {
        { "bool", false, "false" },
        { "int8", -128L, "-128" },
        { "int16", -32768L, "-32768" },
        { "int32", (long)int.MinValue, "-2147483648" },
        { "int64", long.MinValue, "-9223372036854775808" },
        { "uint8", 255L, "255" },
        { "uint16", 65535L, "65535" },
        { "uint32", (long)uint.MaxValue, "4294967295" },
        { "uint64", (Int128)ulong.MaxValue, "18446744073709551615" },
        { "float32", (double)-1.17549435E-38f, "-1.1754944E-38" },
        { "float64", -2.2250738585072014E-308, "-2.2250738585072014E-308" },
        { "decimal(18,18)", -1L, "-0.000000000000000001" },
        { "decimal(38,38)", -(Int128)1, "-0.00000000000000000000000000000000000001" },
        { "decimal(38,10)", Int128.MinValue, "-17014118346046923173168730371.5884105728" },
        { "date", (long)int.MaxValue, "+5881580-07-11" },
        { "date", (long)int.MinValue, "-5877641-06-23" },
        { "time", long.MinValue, "-2562047788:00:54.775808" },
        { "time(ns)", long.MinValue, "-2562047:47:16.854775808" },
        { "timestamp(UTC)", long.MaxValue, "+294247-01-10T04:00:54.775807Z" },
        { "timestamp(UTC)", long.MinValue, "-290308-12-21T19:59:05.224192Z" },
        { "timestamp(ns,UTC)", long.MinValue, "1677-09-21T00:12:43.145224192Z" },
    };

    [Theory, MemberData(nameof(Longest))]
    public void Write_LongestOfItsType_StaysWithinMostBytes(string type, object value, string expected)
    {
        using var pool = new BufferPool();
        var dataType = DataType.Parse(type)!;
        using (var column = TestColumns.Make(pool, dataType, [value]))
        {
            var text = new ValueText(column);
            var written = stackalloc byte[2 * ValueText.MaxLength];
            var length = (int)(text.Write(written, 0) - written);
            Assert.Equal(expected, Encoding.UTF8.GetString(written, length));
            Assert.InRange(length, 1, ValueText.MostBytes(dataType));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(100)]
    public void Write_Binary_StaysWithinMostBytes(int bytes)
    {
        const int Rows = 50;
        using var pool = new BufferPool();
        using (var column = TestColumns.Make(pool, DataType.Binary, [.. Enumerable.Repeat<object?>(new byte[bytes], Rows)]))
        {
            var text = new ValueText(column);
            var written = stackalloc byte[2 * bytes + ValueText.MaxLength];
            var total = 0L;
            for (var i = 0; i < Rows; i++)
                total += text.Write(written, i) - written;
            Assert.Equal(Rows * ((bytes + 2) / 3 * 4), total);
            Assert.InRange(total, 0, (Rows * (long)ValueText.MostBytes(DataType.Binary)) + ValueText.VariableBytes(column));
        }
        Assert.Equal(0, pool.Outstanding);
    }
}
