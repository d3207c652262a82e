using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Diagnostics;

namespace Nebula.PostgreSql.Tests.Reading;

public sealed class CopyFormTests
{
    private static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];

    [Fact]
    public void HeaderOf_OfABinaryCopy_IsItsLength() => Assert.Equal(Header.Length, CopyForm.HeaderOf([.. Header, 0xFF, 0xFF], "t"));

    [Theory]
    [InlineData(0, 'Q')]
    [InlineData(12, 1)]
    [InlineData(15, 0x7F)]
    public void HeaderOf_OfSomethingElse_IsRefused(int position, int value)
    {
        var bytes = Header.ToArray();
        bytes[position] = (byte)value;

        Assert.Throws<DataFormatException>(() => CopyForm.HeaderOf(bytes, "t"));
        Assert.Throws<DataFormatException>(() => CopyForm.HeaderOf(Header.AsSpan(0, position), "t"));
    }
}
