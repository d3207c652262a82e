namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>How numbers of 4 or 8 bytes are compared (<c>ColumnOrder</c>, parquet.thrift).</summary>
internal enum NumberOrder
{
    /// <summary>As integers with a sign.</summary>
    Signed,

    /// <summary>As integers without a sign.</summary>
    Unsigned,

    /// <summary>As IEEE 754 numbers. NaN is no bound, and zero is negative as a lower and positive as an upper bound.</summary>
    Float,
}
