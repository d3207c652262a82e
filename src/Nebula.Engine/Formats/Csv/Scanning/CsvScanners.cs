using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Scanning;

/// <summary>The scanners that this machine can run.</summary>
internal static class CsvScanners
{
    /// <summary>The one in use: the widest that <see cref="Simd.Level"/> allows.</summary>
    public static readonly ICsvScanner Best = Create(Simd.Level);

    /// <summary>All of them, so that tests can hold each against the scalar one.</summary>
    public static IEnumerable<ICsvScanner> Available => Simd.Available.Select(Create);

    private static ICsvScanner Create(SimdLevel level) => level switch
    {
        SimdLevel.Vector512 => new VectorCsvScanner<ByteMasks512>("512"),
        SimdLevel.Vector256 => new VectorCsvScanner<ByteMasks256>("256"),
        SimdLevel.Vector128 => new VectorCsvScanner<ByteMasks128>("128"),
        _ => new ScalarCsvScanner(),
    };
}
