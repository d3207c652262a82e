namespace Nebula.Orchestration.Tests;

public sealed class Hash128Tests
{
    [Fact]
    public void Of_ContentsThatDifferInOneBitOrInLength_AllDiffer()
    {
        var seen = new HashSet<Hash128>();
        for (var length = 0; length < 70; length++)
        {
            var content = new byte[length];
            Assert.True(seen.Add(Hash128.Of(content)));
            for (var bit = 0; bit < length * 8; bit++)
            {
                content[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.True(seen.Add(Hash128.Of(content)));
                content[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
        foreach (var half in (Func<Hash128, ulong>[])[hash => hash.Lower, hash => hash.Upper])
            Assert.Equal(seen.Count, seen.Select(half).Distinct().Count());
    }
}
