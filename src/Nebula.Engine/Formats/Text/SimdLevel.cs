using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Text;

/// <summary>Which vectors text kernels use: the widest the machine has, or what the environment variable <c>NEBULA_SIMD</c> (<c>scalar</c>, <c>128</c>, <c>256</c>, <c>512</c>) allows at most.</summary>
internal static class SimdLevel
{
    /// <summary>Bits of the widest vectors to be used: 0 (none), 128, 256 or 512.</summary>
    public static int Bits { get; } = Math.Min(Allowed(Environment.GetEnvironmentVariable("NEBULA_SIMD")), Available());

    private static int Available() =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;

    private static int Allowed(string? text) => text switch { "scalar" => 0, "128" => 128, "256" => 256, _ => 512 };
}
