using Nebula.Engine.Formats.Parquet.Encodings;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>What encodings are chosen by: sizes estimated from samples, compression included.</summary>
/// <param name="compressor">How pages will be compressed.</param>
/// <param name="allowDelta">Whether encodings that old readers do not know may be used.</param>
/// <param name="workspace">Working memory.</param>
internal sealed class EncodingPlanner(PageCompressor compressor, bool allowDelta, WriteWorkspace workspace)
{
    /// <summary>Values that are looked at for an estimate of how many are distinct.</summary>
    public const int DistinctSample = 1024;

    /// <summary>Whether encodings that old readers do not know may be used.</summary>
    public bool AllowDelta => allowDelta;

    /// <summary>Whether pages are compressed at all.</summary>
    public bool IsCompressed => compressor.Codec != Metadata.PageCodec.Uncompressed;

    /// <summary>Working memory.</summary>
    public WriteWorkspace Workspace => workspace;

    /// <summary>Bytes of a sample once compressed. What <see cref="WriteWorkspace.Page"/> holds is the sample.</summary>
    public int CompressedSampleSize()
    {
        if (!IsCompressed)
            return workspace.Page.Length;
        workspace.Compressed.Truncate(0);
        compressor.Compress(workspace.Page.Content, workspace.Compressed);
        return workspace.Compressed.Length;
    }

    /// <summary>Bytes of dictionary and positions.</summary>
    /// <param name="entries">Number of entries.</param>
    /// <param name="entrySize">Bytes of an entry.</param>
    /// <param name="count">Number of values.</param>
    public static long DictionarySize(double entries, double entrySize, long count) =>
        (long)(entries * entrySize) + count * BitPacker.WidthOf((ulong)Math.Max(0, entries - 1)) / 8;

    /// <summary>Estimates how many distinct values there are among all when so many were among a sample, as if each were as frequent as the others.</summary>
    /// <param name="distinct">Distinct values of the sample.</param>
    /// <param name="sample">Values of the sample.</param>
    /// <param name="count">All values.</param>
    public static double EstimateDistinct(int distinct, int sample, long count)
    {
        if (sample >= count || distinct >= sample)
            return distinct >= sample ? count : distinct;
        // a sample of n out of D finds D * (1 - e^(-n/D)): grows with D, so D is found by halving
        var (low, high) = ((double)distinct, 1e12);
        for (var i = 0; i < 50; i++)
        {
            var middle = Math.Sqrt(low * high);
            if (Expected(middle, sample) < distinct)
                low = middle;
            else
                high = middle;
        }
        return Math.Min(Expected(high, count), count);

        static double Expected(double all, double drawn) => -all * double.ExpM1(-drawn / all);
    }
}
