namespace Nebula.Engine.Formats.Orc.Streams;

/// <summary>What a position in a stream consists of besides the place: so many numbers more (ORC v1, "Row Group Index").</summary>
internal enum PositionForm
{
    /// <summary>Nothing: plain content.</summary>
    Bytes = 0,

    /// <summary>Values to leave out in the run that starts at the place.</summary>
    Runs = 1,

    /// <summary>Bytes to leave out in the run that starts at the place, and bits behind them.</summary>
    Bits = 2,
}
