using System.IO.Hashing;
using System.Text;

namespace Nebula.Connectors.Tests.ObjectStores;

/// <summary>The check values that catalogues of checksums publish: the hash of the ASCII digits 1 to 9, and of nothing.</summary>
public sealed class HashingTests
{
    [Theory]
    [InlineData("", "00000000", "0000000000000000")]
    [InlineData("123456789", "2639F4CB", "6C40DF5F0B497347")]
    public void Hash_CheckInput_GivesCheckValue(string text, string crc32, string crc64)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        Assert.Equal(crc32, Convert.ToHexString(Crc32.Hash(bytes)));
        Assert.Equal(crc64, Convert.ToHexString(Crc64.Hash(bytes)));
    }

    [Fact]
    public async Task Append_InPieces_GivesTheSameAsAtOnce()
    {
        var bytes = new byte[100_000];
        new Random(7).NextBytes(bytes);
        foreach (var hash in (NonCryptographicHashAlgorithm[])[new Crc32(), new Crc64()])
        {
            hash.Append(bytes);
            var whole = hash.GetHashAndReset();
            hash.Append(bytes.AsSpan(0, 1));
            hash.Append(bytes[1..50]);
            hash.Append(new MemoryStream(bytes[50..70_000]));
            await hash.AppendAsync(new MemoryStream(bytes[70_000..]));
            Assert.Equal(whole, hash.GetCurrentHash());
            Assert.False(hash.TryGetCurrentHash(new byte[hash.HashLengthInBytes - 1], out _));
            Assert.Throws<ArgumentException>(() => hash.GetHashAndReset(new byte[1]));
            var target = new byte[hash.HashLengthInBytes + 1];
            Assert.Equal(hash.HashLengthInBytes, hash.GetHashAndReset(target));
            Assert.Equal(whole, target[..^1]);
            Assert.NotEqual(whole, hash.GetCurrentHash());
        }
    }
}
