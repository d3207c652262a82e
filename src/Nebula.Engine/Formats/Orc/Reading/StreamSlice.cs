using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Where the values of a row group start in a stream.</summary>
/// <param name="Stream">The place where a run starts, or the value itself in streams without runs.</param>
/// <param name="Values">Values of the run that belong to the row group before.</param>
/// <param name="Bits">Bits behind them that do, in streams of bits.</param>
internal readonly record struct GroupPosition(StreamPosition Stream, long Values, int Bits);

/// <summary>The part of a stream that a block holds.</summary>
/// <param name="Kind">What the stream holds.</param>
/// <param name="Column">The column it belongs to.</param>
/// <param name="FileOffset">Where the part starts in the file.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="StreamOffset">Where it starts in the stream.</param>
/// <param name="Start">Where the first value is; null at the start of the stream.</param>
/// <param name="End">Where the value behind the last is; null when the stream is read to its end.</param>
internal readonly record struct StreamSlice(StreamKind Kind, int Column, long FileOffset, long Length, long StreamOffset, GroupPosition? Start,
    GroupPosition? End)
{
    /// <summary>Where the part starts in the block.</summary>
    public int BufferOffset { get; init; }
}

/// <summary>What a block holds: rows of one stripe.</summary>
/// <param name="Stripe">Number of the stripe, from 0.</param>
/// <param name="FirstRow">Number in the file of the first row.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Footer">The stripe's footer.</param>
/// <param name="Zone">The zone in which timestamps were written.</param>
/// <param name="Slices">The parts of streams.</param>
internal sealed record StripeBlock(int Stripe, long FirstRow, long Rows, StripeFooter Footer, TimeZoneRules Zone, StreamSlice[] Slices);
