using Nebula.Engine.Pipeline;

namespace Nebula.Engine.Tests.Pipeline;

public sealed class PipelineOptionsTests
{
    /// <summary>Blocks that wait are there where memory allows them; one for each worker and two more always are.</summary>
    [Theory]
    [InlineData(2, null, 10)]
    [InlineData(8, null, 12)]
    [InlineData(64, null, 66)]
    [InlineData(2, 1024, 10)]
    [InlineData(2, 256, 4)]
    [InlineData(2, 100, 4)]
    public void BlocksUnderWay_AreAsManyAsAQuarterOfTheWindowHolds(int workers, int? megabytes, int blocks)
    {
        var options = new PipelineOptions { Workers = workers, MemoryLimit = (long?)megabytes << 20 };
        Assert.Equal(blocks, options.BlocksUnderWay);
        Assert.InRange(PipelineOptions.CostOf(options.BlockSize) * blocks, 0, options.WindowBytes);
    }
}
