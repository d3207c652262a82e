using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Conversion;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;
using Nebula.Engine.Tests.Storage;

namespace Nebula.Engine.Tests.Conversion;

public sealed class ColumnConverterTests
{
    private const string Refused = "refused";

    /// <summary>Each value as text, and as text of the other type: with "~" in front where it is rounded to that.</summary>
    [Theory]
    [InlineData("int64", "int8", "127 => 127", "-128 => -128", "128 => refused", "-129 => refused", "9223372036854775807 => refused")]
    [InlineData("int64", "uint64", "0 => 0", "9223372036854775807 => 9223372036854775807", "-1 => refused")]
    [InlineData("uint64", "int64", "9223372036854775807 => 9223372036854775807", "9223372036854775808 => refused", "18446744073709551615 => refused")]
    [InlineData("uint8", "int8", "127 => 127", "128 => refused")]
    [InlineData("int32", "int64", "-2147483648 => -2147483648")]
    [InlineData("int64", "float64", "9007199254740992 => 9007199254740992.0", "9007199254740993 => ~9007199254740992.0",
        "-9223372036854775808 => -9.223372036854776E+18", "9223372036854775807 => ~9.223372036854776E+18")]
    [InlineData("int32", "float32", "16777216 => 16777216.0", "16777217 => ~16777216.0", "-16777218 => -16777218.0")]
    [InlineData("uint64", "float64", "18446744073709551615 => ~1.8446744073709552E+19", "0 => 0.0")]
    [InlineData("float64", "int64", "1.5 => ~2", "-1.5 => ~-2", "0.49 => ~0", "9.223372036854775E+18 => 9223372036854774784",
        "9.223372036854776E+18 => refused", "-9.223372036854776E+18 => -9223372036854775808", "NaN => refused", "Infinity => refused")]
    [InlineData("float32", "uint8", "255.4 => ~255", "255.5 => refused", "-0.4 => ~0", "-0.5 => refused", "7.0 => 7")]
    [InlineData("float64", "float32", "0.5 => 0.5", "0.1 => ~0.1", "1e300 => refused", "NaN => NaN", "-Infinity => -Infinity")]
    [InlineData("float32", "float64", "0.5 => 0.5", "0.1 => 0.10000000149011612")]
    [InlineData("int16", "decimal(5,2)", "999 => 999.00", "-999 => -999.00", "1000 => refused")]
    [InlineData("int64", "decimal(38,9)", "-9223372036854775808 => -9223372036854775808.000000000")]
    [InlineData("decimal(5,2)", "int8", "1.00 => 1", "1.50 => ~2", "-1.50 => ~-2", "1.49 => ~1", "127.49 => ~127", "127.50 => refused")]
    [InlineData("decimal(38,0)", "int64", "9223372036854775808 => refused", "-9223372036854775808 => -9223372036854775808")]
    [InlineData("decimal(10,2)", "decimal(12,4)", "-12345678.90 => -12345678.9000")]
    [InlineData("decimal(10,2)", "decimal(5,1)", "1234.50 => 1234.5", "1234.55 => ~1234.6", "-1234.55 => ~-1234.6", "9999.95 => refused",
        "10000.00 => refused")]
    [InlineData("decimal(18,0)", "decimal(38,20)", "999999999999999999 => 999999999999999999.00000000000000000000")]
    [InlineData("decimal(38,20)", "decimal(18,0)", "999999999999999999.00000000000000000000 => 999999999999999999", "0.50000000000000000000 => ~1",
        "999999999999999999.50000000000000000000 => refused")]
    [InlineData("decimal(18,2)", "decimal(2,2)", "0.99 => 0.99", "1.00 => refused", "-1.00 => refused", "0.00 => 0.00")]
    [InlineData("decimal(18,0)", "decimal(4,4)", "1 => refused", "0 => 0.0000")]
    [InlineData("decimal(18,3)", "float64", "0.100 => 0.1", "123456789012345.678 => ~123456789012345.67", "-0.001 => -0.001")]
    [InlineData("decimal(38,18)", "float64", "0.100000000000000000 => 0.1", "0.123456789012345678 => ~0.12345678901234568")]
    [InlineData("decimal(18,3)", "float32", "0.100 => 0.1")]
    [InlineData("float64", "decimal(18,2)", "0.1 => 0.10", "0.125 => ~0.13", "-0.125 => ~-0.13", "1e16 => refused", "999999999999999.5 => 999999999999999.50",
        "NaN => refused", "1e-300 => ~0.00")]
    [InlineData("float64", "decimal(38,20)", "1e17 => 100000000000000000.00000000000000000000", "0.1 => 0.10000000000000000000", "1e18 => refused",
        "5e-21 => ~0.00000000000000000001", "4e-21 => ~0.00000000000000000000")]
    [InlineData("float32", "decimal(9,3)", "0.1 => 0.100", "123456.8 => 123456.800", "0.0001 => ~0.000")]
    [InlineData("bool", "int32", "true => 1", "false => 0")]
    [InlineData("int64", "bool", "0 => false", "1 => true", "2 => refused", "-1 => refused")]
    [InlineData("date", "timestamp", "2020-02-29 => 2020-02-29T00:00:00", "0001-01-01 => 0001-01-01T00:00:00", "9999-12-31 => 9999-12-31T00:00:00")]
    [InlineData("date", "timestamp(ns, UTC)", "2262-04-11 => 2262-04-11T00:00:00Z", "2262-04-12 => refused", "1677-09-21 => refused",
        "1677-09-22 => 1677-09-22T00:00:00Z")]
    [InlineData("timestamp", "date", "2020-02-29T00:00:00 => 2020-02-29", "1969-12-31T23:59:59.999999 => ~1969-12-31", "0001-01-01T12:00:00 => ~0001-01-01")]
    [InlineData("timestamp(ns)", "timestamp", "1969-12-31T23:59:59.999999999 => ~1969-12-31T23:59:59.999999",
        "2020-01-01T00:00:00.000001 => 2020-01-01T00:00:00.000001")]
    [InlineData("timestamp", "timestamp(ns)", "2020-01-01T00:00:00.000001 => 2020-01-01T00:00:00.000001", "2300-01-01T00:00:00 => refused",
        "1600-01-01T00:00:00 => refused")]
    [InlineData("timestamp", "timestamp(UTC)", "2020-01-01T00:00:00 => 2020-01-01T00:00:00Z")]
    [InlineData("timestamp(UTC)", "timestamp", "2020-01-01T00:00:00Z => ~2020-01-01T00:00:00")]
    [InlineData("timestamp(ns, UTC)", "timestamp(Europe/Berlin)", "2020-01-01T00:00:00Z => 2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00.000000001Z => ~2020-01-01T00:00:00Z")]
    [InlineData("time", "time(ns)", "23:59:59.999999 => 23:59:59.999999")]
    [InlineData("time(ns)", "time", "23:59:59.999999999 => ~23:59:59.999999", "00:00:00.000001 => 00:00:00.000001")]
    [InlineData("string", "int32", "42 => 42", "007 => 7", "4x => refused", "2147483648 => refused", " 1 => 1", "-0 => 0",
        "5.0 => 5", "5.5 => ~6")]
    [InlineData("string", "uint64", "18446744073709551615 => 18446744073709551615", "-1 => refused")]
    [InlineData("string", "bool", "true => true", "FALSE => false", "1 => true", "yes => true", "maybe => refused")]
    [InlineData("string", "float64", "0.1 => 0.1", "1e5 => 100000.0", "0.10 => 0.1", "0.1234567890123456789 => ~0.12345678901234568", "NaN => NaN",
        "-Infinity => -Infinity", "1e999 => refused", "abc => refused", "1e-400 => ~0.0")]
    [InlineData("string", "float32", "0.1 => 0.1", "0.123456789 => ~0.12345679", "16777217 => ~16777216.0", "1e39 => refused")]
    [InlineData("string", "decimal(5,2)", "1 => 1.00", "1.5 => 1.50", "1.555 => ~1.56", "1e2 => 100.00", "1.5e-3 => ~0.00", "1000 => refused",
        "999.995 => refused", "-0 => 0.00", "x => refused")]
    [InlineData("string", "decimal(38,2)", "1e35 => 100000000000000000000000000000000000.00", "1e36 => refused",
        "123456789012345678901234567890.129 => ~123456789012345678901234567890.13")]
    [InlineData("string", "date", "2020-02-29 => 2020-02-29", "2021-02-29 => refused", "2020-02-29T00:00:00 => 2020-02-29",
        "2020-02-29T00:00:01 => ~2020-02-29")]
    [InlineData("string", "timestamp", "2020-01-01 10:00:00 => 2020-01-01T10:00:00", "2020-01-01 => 2020-01-01T00:00:00",
        "2020-01-01T10:00:00+02:00 => ~2020-01-01T08:00:00", "2020-01-01T10:00:00.1234567 => ~2020-01-01T10:00:00.123456", "now => refused")]
    [InlineData("string", "timestamp(UTC)", "2020-01-01T10:00:00+02:00 => 2020-01-01T08:00:00Z", "2020-01-01T10:00:00 => 2020-01-01T10:00:00Z")]
    [InlineData("string", "timestamp(ns)", "2020-01-01T10:00:00.123456789 => 2020-01-01T10:00:00.123456789", "2300-01-01 => refused",
        "2300-01-01T00:00:00 => refused")]
    [InlineData("string", "time", "10:00:00.5 => 10:00:00.500", "10:00:00.0000001 => ~10:00:00", "24:00:00 => refused")]
    [InlineData("string", "time(ns)", "10:00:00.0000001 => 10:00:00.000000100")]
    [InlineData("string", "uuid", "01234567-89AB-cdef-0123-456789abcdef => 01234567-89ab-cdef-0123-456789abcdef", "01234567 => refused")]
    [InlineData("string", "json", "{\"a\": [1, null]} => {\"a\": [1, null]}", " 1  =>  1 ", "{a:1} => refused", "1 2 => refused", "\"x => refused",
        "nul => refused")]
    [InlineData("json", "string", "{\"a\":1} => {\"a\":1}")]
    [InlineData("uuid", "string", "01234567-89ab-cdef-0123-456789abcdef => 01234567-89ab-cdef-0123-456789abcdef")]
    [InlineData("int32", "json", "-5 => -5")]
    [InlineData("string", "binary", "aä => YcOk")]
    [InlineData("date", "json", "2020-01-01 => \"2020-01-01\"")]
    [InlineData("float64", "json", "1.5 => 1.5", "NaN => \"NaN\"")]
    public void Convert_Table(string from, string to, params string[] cases)
    {
        var (source, target) = (DataType.Parse(from)!, DataType.Parse(to)!);
        using var pool = new BufferPool();
        foreach (var line in cases)
        {
            var (value, expected) = (line.Split(" => ")[0], line.Split(" => ")[1]);
            var rounds = expected.StartsWith('~');
            Assert.Equal((value, rounds || expected == Refused ? (rounds ? ValueFault.Loses : ValueFault.DoesNotFit) : null, rounds || expected == Refused
                ? null : expected),
                (value, Run(pool, source, target, value, allowsLoss: false, out var strict), strict));
            Assert.Equal((value, expected == Refused ? ValueFault.DoesNotFit : null, expected == Refused ? null : expected.TrimStart('~')),
                (value, Run(pool, source, target, value, allowsLoss: true, out var lenient), lenient));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Create_EveryPair_AgreesWithTable()
    {
        foreach (var from in RandomColumns.Types)
            foreach (var to in RandomColumns.Types)
                Assert.Equal(ConversionTable.Of(from, to).Fidelity == Fidelity.Impossible, ColumnConverter.Create(from, to, false) is null);
    }

    [Theory]
    [InlineData("int64", "date")]
    [InlineData("bool", "float64")]
    [InlineData("uuid", "int64")]
    [InlineData("list<int64>", "int64")]
    [InlineData("string", "list<string>")]
    [InlineData("json", "int64")]
    [InlineData("struct<a: int64>", "struct<b: int64>")]
    [InlineData("struct<a: int64>", "struct<a: date>")]
    [InlineData("map<string, date>", "map<string, bool>")]
    public void Create_Impossible_IsNull(string from, string to) => Assert.Null(ColumnConverter.Create(DataType.Parse(from)!, DataType.Parse(to)!, true));

    [Theory]
    [InlineData("binary", "61c3a4", "aä")]
    [InlineData("binary", "61c3", null)]
    [InlineData("binary", "", "")]
    public void BinaryToString_TakesUtf8Only(string from, string hex, string? expected)
    {
        using var pool = new BufferPool();
        using var source = TestColumns.Make(pool, DataType.Parse(from)!, [Convert.FromHexString(hex), null, "ok"u8.ToArray()]);
        var faults = new ValueFaults();
        using var converted = ColumnConverter.Create(source.Type, DataType.String, false)!.Convert(source, pool, faults);
        TestColumns.AssertConsistent(converted, 3);
        Assert.Equal([expected, null, "ok"], Values(converted));
        Assert.Equal(expected is null ? [(0, ValueFault.DoesNotFit)] : [], faults.Items);
    }

    [Fact]
    public void BinaryToString_CharacterCutByValues_IsRefused()
    {
        using var pool = new BufferPool();
        using var source = TestColumns.Make(pool, DataType.Binary, [new byte[] { 0x61, 0xc3 }, new byte[] { 0xa4, 0x62 }, "ä"u8.ToArray()]);
        var faults = new ValueFaults();
        using var converted = ColumnConverter.Create(source.Type, DataType.String, false)!.Convert(source, pool, faults);
        Assert.Equal([null, null, "ä"], Values(converted));
        Assert.Equal([0, 1], faults.Items.Select(static item => item.Row));
    }

    [Fact]
    public void Uuid_ToBinaryAndBack_IsTheSame()
    {
        using var pool = new BufferPool();
        using var source = TestColumns.Make(pool, DataType.Uuid, [(UInt128)5, null, UInt128.MaxValue]);
        var faults = new ValueFaults();
        using var binary = ColumnConverter.Create(DataType.Uuid, DataType.Binary, false)!.Convert(source, pool, faults);
        TestColumns.AssertConsistent(binary, 3);
        using var back = ColumnConverter.Create(DataType.Binary, DataType.Uuid, false)!.Convert(binary, pool, faults);
        Assert.Equal(Values(source), Values(back));
        Assert.Empty(faults.Items);
    }

    [Fact]
    public void Dictionary_ToOtherTypes_GoesByItsEntries()
    {
        using var pool = new BufferPool();
        using (var source = TestColumns.Dictionary(pool, ["1", "x", "300"], [0, 2, null, 1, 0]))
        {
            var faults = new ValueFaults();
            using var numbers = ColumnConverter.Create(DataType.String, DataType.UInt8, false)!.Convert(source, pool, faults);
            Assert.Equal([1L, null, null, null, 1L], Values(numbers));
            Assert.Equal([1, 3], faults.Items.Select(static item => item.Row));
            using var binary = ColumnConverter.Create(DataType.String, DataType.Binary, false)!.Convert(source, pool, faults);
            Assert.Equal("300"u8.ToArray(), (byte[])TestColumns.Read(binary, 1)!);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("list<int64>", "[1,null,300]", "list<int8>", null)]
    [InlineData("list<int64>", "[1,null,3]", "list<int8>", "[1,null,3]")]
    [InlineData("list<int64>", "[1,null,3]", "list<string>", "[\"1\",null,\"3\"]")]
    [InlineData("list<int64>", "[1,null,3]", "string", "[1,null,3]")]
    [InlineData("struct<a: int64, b: string>", "{\"a\":1,\"b\":\"x\"}", "struct<b: string, c: date, a: int32>", "{\"b\":\"x\",\"c\":null,\"a\":1}")]
    [InlineData("struct<a: int64, b: string>", "{\"a\":1,\"b\":\"5\"}", "struct<a: string, b: int64>", "{\"a\":\"1\",\"b\":5}")]
    [InlineData("struct<a: int64, b: string>", "{\"a\":1,\"b\":\"x\"}", "struct<a: string, b: int64>", null)]
    [InlineData("struct<a: int64, b: string>", "{\"a\":1,\"b\":\"x\"}", "struct<a: int64>", null)]
    [InlineData("struct<a: list<struct<x: int64>>>", "{\"a\":[{\"x\":1},null]}", "json", "{\"a\":[{\"x\":1},null]}")]
    public void Nested_Table(string from, string value, string to, string? expected)
    {
        var (source, target) = (DataType.Parse(from)!, DataType.Parse(to)!);
        using var pool = new BufferPool();
        // in the middle of other rows, one of them null: faults must find their row
        using (var column = TestColumns.Make(pool, source, [null, Parse(source, value), Parse(source, source.Kind == TypeKind.List ? "[]" : "null")]))
        {
            var faults = new ValueFaults();
            using var converted = ColumnConverter.Create(source, target, false)!.Convert(column, pool, faults);
            TestColumns.AssertConsistent(converted, 3);
            Assert.Equal(expected is null ? [1] : [], faults.Items.Select(static item => item.Row));
            Assert.Equal(new string?[] { null, expected }, Texts(pool, converted).Take(2));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Struct_WithLoss_DropsFields()
    {
        using var pool = new BufferPool();
        var from = DataType.Parse("struct<a: int64, b: string>")!;
        using var column = TestColumns.Make(pool, from, [new object?[] { 1L, "x" }]);
        var faults = new ValueFaults();
        using var converted = ColumnConverter.Create(from, DataType.Parse("struct<b: string>")!, true)!.Convert(column, pool, faults);
        Assert.Equal(new string?[] { "{\"b\":\"x\"}" }, Texts(pool, converted));
        Assert.Empty(faults.Items);
    }

    [Fact]
    public void Map_ConvertsKeysAndValues()
    {
        using var pool = new BufferPool();
        var from = DataType.Parse("map<int32, int64>")!;
        using var column = TestColumns.Make(pool, from, [new (object, object?)[] { (1L, 10L), (2L, null) }, null, new (object, object?)[] { (3L, 999L) }]);
        var faults = new ValueFaults();
        using var converted = ColumnConverter.Create(from, DataType.Parse("map<string, uint8>")!, true)!.Convert(column, pool, faults);
        TestColumns.AssertConsistent(converted, 3);
        Assert.Equal(new string?[] { "{\"1\":10,\"2\":null}", null, null }, Texts(pool, converted));
        Assert.Equal([(2, ValueFault.DoesNotFit)], faults.Items);
    }

    [Fact]
    public void CommonType_OfAnyTwo_LosesNothing()
    {
        foreach (var a in RandomColumns.Types)
            foreach (var b in RandomColumns.Types)
                if (CommonType.Of(a, b) is { } common)
                    Assert.True(ConversionTable.Of(a, common).Fidelity <= Fidelity.Widened, $"{a} and {b} become {common}, which loses values of {a}");
    }

    private static ValueFault? Run(BufferPool pool, DataType from, DataType to, string value, bool allowsLoss, out string? result)
    {
        // the value stands between nulls whose slots hold it too
        var faults = new ValueFaults();
        using var texts = TestColumns.Make(pool, DataType.String, [value, value, value]);
        using var valid = from.Kind == TypeKind.String ? Copy(pool, texts) : Retyped(pool, texts, from);
        var validity = pool.Rent(8);
        validity.Span[0] = 2;
        using var source = valid.WithNulls(2, validity);
        using var converted = ColumnConverter.Create(from, to, allowsLoss)!.Convert(source, pool, faults);
        TestColumns.AssertConsistent(converted, 3);
        Assert.True(converted.IsNull(0) && converted.IsNull(2));
        Assert.All(faults.Items, static item => Assert.Equal(1, item.Row));
        Assert.Equal(faults.Items.Count > 0, converted.IsNull(1));
        result = faults.Items.Count > 0 ? null : Show(pool, converted, 1);
        return faults.Items.Count > 0 ? faults.Items[0].Fault : null;
    }

    private static Column Retyped(BufferPool pool, Column texts, DataType type)
    {
        var faults = new ValueFaults();
        var column = ColumnConverter.Create(DataType.String, type, false)!.Convert(texts, pool, faults);
        Assert.True(faults.Items.Count == 0, $"'{TestColumns.Read(texts, 0)}' is no {type}");
        return column;
    }

    private static Column Copy(BufferPool pool, Column column) => new CopyConverter().Convert(column, pool, new ValueFaults());

    private static string? Show(BufferPool pool, Column column, int row) => column.Type.Kind switch
    {
        TypeKind.String or TypeKind.Json => Encoding.UTF8.GetString(column.GetBytes(row)),
        TypeKind.Binary => Convert.ToBase64String(column.GetBytes(row)),
        _ => Texts(pool, column)[row]!.Trim('"'),
    };

    private static string?[] Texts(BufferPool pool, Column column)
    {
        if (column.Type.Kind is TypeKind.String or TypeKind.Json)
            return [.. Values(column).Cast<string?>()];
        using var text = new ToJsonConverter(column.Type, DataType.Json).Convert(column, pool, new ValueFaults());
        return [.. Values(text).Cast<string?>()];
    }

    private static object?[] Values(Column column) => [.. Enumerable.Range(0, column.Length).Select(i => TestColumns.Read(column, i))];

    private static object? Parse(DataType type, string json) => Parse(type, System.Text.Json.JsonDocument.Parse(json).RootElement);

    private static object? Parse(DataType type, System.Text.Json.JsonElement json) => json.ValueKind == System.Text.Json.JsonValueKind.Null
        ? null : type.Kind switch
        {
            TypeKind.List => json.EnumerateArray().Select(element => Parse(type.Fields[0].Type, element)).ToArray(),
            TypeKind.Struct => type.Fields.Select(field => Parse(field.Type, json.GetProperty(field.Name))).ToArray(),
            TypeKind.String => json.GetString(),
            _ => json.GetInt64(),
        };
}
