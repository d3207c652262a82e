namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Thrift structs one behind the other.</summary>
/// <param name="bytes">All of them.</param>
/// <param name="ends">Where each ends.</param>
internal sealed class EncodedStructs(byte[] bytes, int[] ends)
{
    /// <summary>All of them.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Number of structs.</summary>
    public int Count => ends.Length;

    /// <summary>One of them.</summary>
    /// <param name="index">Which.</param>
    public ReadOnlySpan<byte> this[int index] => bytes.AsSpan((index == 0 ? 0 : ends[index - 1])..ends[index]);
}
