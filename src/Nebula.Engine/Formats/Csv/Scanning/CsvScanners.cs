using System.Runtime.Intrinsics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Scanning;

/// <summary>The scanners that this machine can run.</summary>
internal static class CsvScanners
{
    private static readonly int[] Widths = [0, 128, 256, 512];

    /// <summary>The one in use: the widest that <see cref="SimdLevel"/> allows.</summary>
    public static ICsvScanner Best { get; } = Create(SimdLevel.Bits);

    /// <summary>All of them, by name, so that tests can hold each against the scalar one.</summary>
    public static IEnumerable<ICsvScanner> Available =>
        Widths.Where(static bits => bits <= 128 || (bits == 256 ? Vector256.IsHardwareAccelerated : Vector512.IsHardwareAccelerated)).Select(Create);

    private static ICsvScanner Create(int bits) => bits switch
    {
        512 => new VectorCsvScanner<ByteMasks512>("512"),
        256 => new VectorCsvScanner<ByteMasks256>("256"),
        128 => new VectorCsvScanner<ByteMasks128>("128"),
        _ => new ScalarCsvScanner(),
    };
}
