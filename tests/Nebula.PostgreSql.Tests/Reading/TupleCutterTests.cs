using System.Buffers.Binary;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Diagnostics;

namespace Nebula.PostgreSql.Tests.Reading;

public sealed class TupleCutterTests
{
    private static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];

    [Fact]
    public void Cut_AtEveryLength_FindsTheSameRows()
    {
        byte[] bytes = [.. Row("a", null), .. Row("", "bcd"), 0xFF, 0xFF];
        for (var length = 0; length <= bytes.Length; length++)
        {
            var cutter = new TupleCutter("t", 2, 1 << 20);
            var end = cutter.Cut(bytes.AsSpan(0, length), 0, out var rows);
            end += cutter.Cut(bytes.AsSpan(end), end, out var more);

            Assert.Equal((2, bytes.Length - 2), (rows + more, end));
            Assert.True(cutter.IsEnded);
        }
    }

    [Fact]
    public void SkipHeader_OfACopy_IsFoundOnce()
    {
        var cutter = new TupleCutter("t", 2, 1 << 20);

        Assert.Equal([0, 19, 0], [cutter.SkipHeader(Header.AsSpan(0, 18)), cutter.SkipHeader(Header), cutter.SkipHeader(Header)]);
    }

    [Theory]
    [InlineData(0, 'Q')]
    [InlineData(12, 1)]
    [InlineData(15, 0x7F)]
    public void SkipHeader_OfSomethingElse_IsRefused(int position, int value)
    {
        var bytes = Header.ToArray();
        bytes[position] = (byte)value;

        Assert.Throws<DataFormatException>(() => new TupleCutter("t", 2, 1 << 20).SkipHeader(bytes));
    }

    [Theory]
    [InlineData(1, -1, "1 columns instead of 2")]
    [InlineData(2, -2, "-2 bytes")]
    [InlineData(2, int.MaxValue, "more than")]
    public void Cut_NumbersThatLie_AreRefused(int fields, int length, string message)
    {
        var bytes = new byte[64];
        BinaryPrimitives.WriteInt16BigEndian(bytes, (short)fields);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(2), length);

        var error = Assert.Throws<DataFormatException>(() => new TupleCutter("t", 2, 1 << 20).Cut(bytes, 0, out _));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static byte[] Row(params string?[] values)
    {
        var row = new List<byte> { 0, (byte)values.Length };
        foreach (var value in values)
        {
            row.AddRange(value is null ? [0xFF, 0xFF, 0xFF, 0xFF] : [0, 0, 0, (byte)value.Length]);
            row.AddRange(value is null ? [] : System.Text.Encoding.ASCII.GetBytes(value));
        }
        return [.. row];
    }
}
