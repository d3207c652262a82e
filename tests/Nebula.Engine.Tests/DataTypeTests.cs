using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests;

public sealed class DataTypeTests
{
    public static TheoryData<string> Names =>
    [
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "decimal(38,9)", "date", "time", "time(ns)",
        "timestamp", "timestamp(ns)", "timestamp(UTC)", "timestamp(ns, UTC)", "string", "binary", "uuid", "json", "list<int64>", "map<string, date>",
        "struct<a: int8, b: list<bool>>",
    ];

    [Theory, MemberData(nameof(Names))]
    public void ToString_Parsed_IsTheNameAgain(string name) => Assert.Equal(name, DataType.Parse(name)?.ToString());

    [Fact]
    public void Names_HaveEveryKind()
    {
        var kinds = new HashSet<TypeKind>();
        foreach (string name in Names)
            kinds.Add(DataType.Parse(name)!.Kind);
        Assert.Equal(Enum.GetValues<TypeKind>().Length, kinds.Count);
    }
}
