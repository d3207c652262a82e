using System.Text;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Tests.Formats.Text;

public sealed class Utf8ValidatorTests
{
    public static TheoryData<int> Levels => [.. Simd.Available.Select(static level => (int)level)];

    [Theory, MemberData(nameof(Levels))]
    public void FindInvalid_EveryShortSequenceInLongText_AgreesWithTheRuntime(int level)
    {
        byte[] interesting =
        [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5,
                0xFF,
        ];
        var text = new byte[200];
        foreach (var place in (int[])[0, 1, 2, 3, 62, 63, 64, 66, 127, 130, 196])
        {
            foreach (var a in interesting)
                foreach (var b in interesting)
                    foreach (var c in interesting)
                    {
                        text.AsSpan().Fill((byte)'x');
                        (text[place], text[place + 1], text[place + 2]) = (a, b, c);
                        text[place + 3] = (byte)(a ^ b & 0x3F | 0x80);
                        Assert.Equal(Expected(text), Utf8Validator.FindInvalid(text, (SimdLevel)level));
                    }
        }
    }

    [Theory, MemberData(nameof(Levels))]
    public void FindInvalid_RandomMixedText_AgreesWithTheRuntime(int level)
    {
        const int Seed = 20_240_611;
        var random = new Random(Seed);
        for (var round = 0; round < 3000; round++)
        {
            var text = new StringBuilder();
            var length = random.Next(400);
            while (text.Length < length)
                text.Append(random.Next(8) switch
                {
                    0 => "é",
                    1 => "עברית",
                    2 => "漢字",
                    3 => "😀",
                    _ => new string('a', random.Next(90)),
                });
            var bytes = Encoding.UTF8.GetBytes(text.ToString());
            if (bytes.Length > 0 && random.Next(3) > 0)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                bytes = bytes[..random.Next(bytes.Length + 1)];
            Assert.True(Expected(bytes) == Utf8Validator.FindInvalid(bytes, (SimdLevel)level), $"seed {Seed}, round {round}: {Convert.ToHexString(bytes)}");
        }
    }

    private static int Expected(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (at < bytes.Length)
        {
            if (Rune.DecodeFromUtf8(bytes[at..], out _, out var size) != System.Buffers.OperationStatus.Done)
                return at;
            at += size;
        }
        return -1;
    }
}
