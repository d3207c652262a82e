using System.Buffers.Binary;
using Nebula.Connectors.PostgreSql.Reading;

namespace Nebula.PostgreSql.Tests.Reading;

public sealed class NumericReaderTests
{
    [Theory]
    [InlineData(new[] { 12, 3400 }, 0, false, 10, 2, "1234")]
    [InlineData(new[] { 1 }, 1, true, 10, 2, "-1000000")]
    [InlineData(new int[0], 0, false, 10, 2, "0")]
    [InlineData(new[] { 5 }, -2, false, 18, 8, "5")]
    [InlineData(new[] { 1 }, 1, false, 6, 2, null)]
    [InlineData(new[] { 1, 2345 }, 0, false, 10, 2, null)]
    [InlineData(new[] { 10_000 }, 0, false, 10, 2, null)]
    [InlineData(new[] { 1 }, 32_767, false, 38, 0, null)]
    [InlineData(new[] { 1 }, -32_768, false, 38, 38, null)]
    [InlineData(new[] { 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999 }, 9, false, 38, 0, null)]
    public void TryRead_Groups_AreUnitsOfTheScaleOrRefused(int[] groups, int weight, bool isNegative, int precision, int scale, string? expected)
    {
        var value = Value(groups, weight, isNegative);

        var fits = NumericReader.TryRead(value, precision, scale, out var unscaled);

        Assert.Equal(expected, fits ? unscaled.ToString(System.Globalization.CultureInfo.InvariantCulture) : null);
    }

    [Fact]
    public void TryReadShort_AnyGroups_IsTheSameAsTryRead()
    {
        const int Seed = 20_261_121;
        var random = new Random(Seed);
        int[] edges = [0, 1, 10, 100, 1000, 9999, 10_000, 5000];
        for (var i = 0; i < 200_000; i++)
        {
            var groups = new int[random.Next(7)];
            for (var j = 0; j < groups.Length; j++)
                groups[j] = random.Next(3) == 0 ? edges[random.Next(edges.Length)] : random.Next(10_000);
            var (weight, precision) = (random.Next(-6, 7), random.Next(1, 19));
            var scale = random.Next(0, precision + 1);
            var value = Value(groups, weight, random.Next(2) == 0);

            var fits = NumericReader.TryRead(value, precision, scale, out var expected);

            Assert.True(fits == NumericReader.TryReadShort(value, precision, scale, out var unscaled) && (!fits || expected == unscaled),
                $"seed {Seed}, case {i}: [{string.Join(", ", groups)}], weight {weight}, decimal({precision},{scale}): {fits} {expected}, {unscaled}");
        }
    }

    private static byte[] Value(int[] groups, int weight, bool isNegative)
    {
        var value = new byte[8 + 2 * groups.Length];
        BinaryPrimitives.WriteInt16BigEndian(value, (short)groups.Length);
        BinaryPrimitives.WriteInt16BigEndian(value.AsSpan(2), (short)weight);
        BinaryPrimitives.WriteUInt16BigEndian(value.AsSpan(4), (ushort)(isNegative ? 0x4000 : 0));
        for (var i = 0; i < groups.Length; i++)
            BinaryPrimitives.WriteUInt16BigEndian(value.AsSpan(8 + 2 * i), (ushort)groups[i]);
        return value;
    }
}
