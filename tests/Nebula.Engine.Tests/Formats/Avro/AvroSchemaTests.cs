using System.Text;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Schemas;
using Xunit.Abstractions;

namespace Nebula.Engine.Tests.Formats.Avro;

public sealed class AvroSchemaTests(ITestOutputHelper output)
{
    [FixtureFact]
    public void Parse_SchemasOfTheFixtures_AreAcceptedOrRefused()
    {
        foreach (var path in Directory.EnumerateFiles(Fixtures.PathOf("avro/schema-parse/pass"))
            .Concat(Directory.EnumerateFiles(Fixtures.PathOf("avro/apache-schemas"))))
            Assert.NotNull(AvroSchemaParser.Parse(File.ReadAllBytes(path), path, isStrict: true));
        foreach (var path in Directory.EnumerateFiles(Fixtures.PathOf("avro/schema-parse/fail")))
            output.WriteLine(Assert.Throws<DataFormatException>(() =>
                AvroSchemaParser.Parse(File.ReadAllBytes(path), Path.GetFileName(path), isStrict: true)).Message);
    }

    [FixtureFact]
    public void CanonicalForm_OfTheFixtures_IsEqual()
    {
        var (checkedForms, checkedFingerprints) = (0, 0);
        AvroSchema? schema = null;
        StringBuilder? lines = null;
        foreach (var line in File.ReadLines(Fixtures.PathOf("avro/apache/schema-tests.txt")))
        {
            if (lines is not null && line == "INPUT")
                (schema, lines) = (Parse(lines.ToString()), null);
            else if (lines is not null)
                lines.AppendLine(line);
            else if (line == "<<INPUT")
                lines = new StringBuilder();
            else if (line.StartsWith("<<INPUT ", StringComparison.Ordinal))
                schema = Parse(line["<<INPUT ".Length..]);
            else if (line.StartsWith("<<canonical ", StringComparison.Ordinal))
            {
                Assert.Equal(line["<<canonical ".Length..], AvroCanonicalForm.Of(schema!));
                checkedForms++;
            }
            else if (line.StartsWith("<<fingerprint ", StringComparison.Ordinal))
            {
                Assert.Equal(line["<<fingerprint ".Length..], $"{(long)AvroCanonicalForm.Fingerprint(schema!)}");
                checkedFingerprints++;
            }
        }
        Assert.True(checkedForms > 30 && checkedFingerprints > 20);
    }

    [FixtureFact]
    public void Fingerprint_OfASingleObjectMessage_IsTheOneItCarries()
    {
        var schema = AvroSchemaParser.Parse(File.ReadAllBytes(Fixtures.PathOf("avro/apache/messageV1/test_schema.avsc")), "schema", isStrict: true);
        var message = File.ReadAllBytes(Fixtures.PathOf("avro/apache/messageV1/test_message.bin"));
        Assert.Equal([0xC3, 0x01, .. BitConverter.GetBytes(AvroCanonicalForm.Fingerprint(schema))], message[..10]);
    }

    [Theory]
    [InlineData("""["int",["null"]]""", "another union")]
    [InlineData("""["int","string","int"]""", "twice")]
    [InlineData("""{"type":"array"}""", "items")]
    [InlineData("""{"type":"map"}""", "values")]
    [InlineData("\"stirng\"", "Did you mean 'string'")]
    [InlineData("""{"type":"record","name":"a","fields":[{"name":"x","type":"int"},{"name":"x","type":"int"}]}""", "two fields")]
    [InlineData("""{"type":"enum","name":"a","symbols":["A","A"]}""", "twice")]
    [InlineData("""{"type":"enum","name":"a","symbols":["A"],"default":"B"}""", "none of its symbols")]
    [InlineData("""{"type":"fixed","name":"a","size":-1}""", "size")]
    [InlineData("""{"type":"fixed","name":"a","size":1e10}""", "size")]
    [InlineData("""{"type":"record","name":"a","fields":[{"name":"x","type":{"type":"fixed","name":"a","size":1}}]}""", "defined twice")]
    [InlineData("""{"type":"record","name":"a b","fields":[]}""", "no name")]
    [InlineData("5", "not '5'")]
    [InlineData("{", "not valid JSON")]
    [InlineData("""{"type":"record","name":"\ud800","fields":[]}""", "half of a character")]
    public void Parse_WrongSchema_SaysWhatIsWrong(string json, string reason)
    {
        var error = Assert.Throws<DataFormatException>(() => Parse(json));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"bytes","logicalType":"decimal","precision":3,"scale":4}""")]
    [InlineData("""{"type":"bytes","logicalType":"decimal"}""")]
    [InlineData("""{"type":"bytes","logicalType":"decimal","precision":0}""")]
    [InlineData("""{"type":"fixed","name":"f","size":2,"logicalType":"decimal","precision":5}""")]
    [InlineData("""{"type":"string","logicalType":"date"}""")]
    [InlineData("""{"type":"fixed","name":"f","size":11,"logicalType":"duration"}""")]
    [InlineData("""{"type":"long","logicalType":"made-up"}""")]
    [InlineData("""{"type":"long","logicalType":5}""")]
    public void Parse_LogicalTypeThatDoesNotFit_IsPassedOver(string json) => Assert.Equal(AvroLogicalType.None, Parse(json).Logical);

    [Fact]
    public void Parse_DeeplyNested_IsReadOrRefused()
    {
        Assert.NotNull(Parse(Nested(100)));
        Assert.Contains("levels deep", Assert.Throws<DataFormatException>(() => Parse(Nested(200))).Message, StringComparison.Ordinal);
        Assert.Contains("levels deep", Assert.Throws<DataFormatException>(() => Parse(Nested(100_000))).Message, StringComparison.Ordinal);
        Assert.Throws<DataFormatException>(() => Parse(Nested(2_000_000)));
    }

    private static string Nested(int levels) =>
        string.Concat(Enumerable.Repeat("""{"type":"array","items":""", levels)) + "\"int\"" + new string('}', levels);

    private static AvroSchema Parse(string json) => AvroSchemaParser.Parse(Encoding.UTF8.GetBytes(json), "schema", isStrict: true);
}
