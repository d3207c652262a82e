using System.Runtime.Intrinsics.X86;
using Nebula.Engine.Compression.Checksums;

namespace Nebula.Engine.Tests.Compression;

public sealed class ChecksumTests
{
    private static readonly byte[] Digits = "123456789"u8.ToArray();

    [Fact]
    public void Update_CheckString_GivesThePublishedValues()
    {
        Assert.Equal(0xCBF43926, Crc32.Update(0, Digits));
        Assert.Equal(0xE3069283, Crc32C.Update(0, Digits));
        Assert.Equal(0xE3069283, Crc32C.UpdateSliced(0, Digits));
        Assert.Equal(0x091E01DEu, Adler32.Update(Adler32.Initial, Digits));
        Assert.Equal(0x937BAD67u, XxHash32.Hash(Digits));
        Assert.Equal(0x02CC5D05u, XxHash32.Hash([]));
        Assert.Equal(0u, Crc32.Update(0, []));
    }

    [Fact]
    public void Update_AnyLengthAndSplit_AgreesWithTheScalarTwin()
    {
        for (var seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            var data = Samples.Make("random", seed < 300 ? seed : random.Next(10_000), seed);
            var split = random.Next(data.Length + 1);
            var scalar = Crc32.UpdateSliced(0, data);
            Assert.Equal(scalar, Crc32.Update(Crc32.Update(0, data.AsSpan(0, split)), data.AsSpan(split)));
            if (Pclmulqdq.IsSupported && data.Length >= 64)
                Assert.Equal(scalar, Crc32.UpdateFolded(0, data));
            Assert.Equal(Crc32C.UpdateSliced(0, data), Crc32C.Update(Crc32C.Update(0, data.AsSpan(0, split)), data.AsSpan(split)));

            var (a, b) = (1u, 0u);
            foreach (var value in data)
            {
                a = (a + value) % 65521;
                b = (b + a) % 65521;
            }
            Assert.Equal(b << 16 | a, Adler32.Update(Adler32.Update(Adler32.Initial, data.AsSpan(0, split)), data.AsSpan(split)));

            var hash = default(XxHash32);
            hash.Reset();
            for (var rest = data.AsSpan(); !rest.IsEmpty;)
            {
                var part = rest[..random.Next(1, Math.Min(rest.Length, 40) + 1)];
                hash.Append(part);
                rest = rest[part.Length..];
            }
            Assert.Equal(XxHash32.Hash(data), hash.Current());
        }
    }

    [Fact]
    public void Update_LargestBytes_DoesNotOverflow()
    {
        var data = new byte[100_000];
        Array.Fill(data, (byte)0xFF);
        var (a, b) = (1u, 0u);
        foreach (var value in data)
        {
            a = (a + value) % 65521;
            b = (b + a) % 65521;
        }
        Assert.Equal(b << 16 | a, Adler32.Update(Adler32.Initial, data));
    }
}
