using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Text;

/// <summary>How wide the registers are that the kernels of the formats work with, in bits.</summary>
internal enum SimdLevel
{
    /// <summary>One byte at a time: the twin that every vector kernel is tested against.</summary>
    Scalar = 0,

    /// <summary>16 bytes.</summary>
    Vector128 = 128,

    /// <summary>32 bytes.</summary>
    Vector256 = 256,

    /// <summary>64 bytes.</summary>
    Vector512 = 512,
}

/// <summary>Which kernels run: the widest that the machine has, unless the environment asks for less.</summary>
internal static class Simd
{
    /// <summary>
    /// The environment variable that forces a level: <c>scalar</c>, <c>128</c>, <c>256</c> or <c>512</c>. A level that the machine lacks falls back to what
    /// it has.
    /// </summary>
    public const string Variable = "NEBULA_SIMD";

    /// <summary>The level of this process; a constant once it is compiled.</summary>
    public static readonly SimdLevel Level = Choose(Environment.GetEnvironmentVariable(Variable));

    /// <summary>The levels that this machine can run, narrowest first.</summary>
    public static IReadOnlyList<SimdLevel> Available { get; } = FindAvailable();

    private static SimdLevel Widest =>
        Vector512.IsHardwareAccelerated ? SimdLevel.Vector512
        : Vector256.IsHardwareAccelerated ? SimdLevel.Vector256
        : Vector128.IsHardwareAccelerated ? SimdLevel.Vector128
        : SimdLevel.Scalar;

    private static SimdLevel[] FindAvailable() =>
        Array.FindAll([SimdLevel.Scalar, SimdLevel.Vector128, SimdLevel.Vector256, SimdLevel.Vector512], static level => level <= Widest);

    private static SimdLevel Choose(string? wanted)
    {
        var level = wanted switch
        {
            "scalar" => SimdLevel.Scalar,
            "128" => SimdLevel.Vector128,
            "256" => SimdLevel.Vector256,
            _ => SimdLevel.Vector512,
        };
        return level < Widest ? level : Widest;
    }
}
