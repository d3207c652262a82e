namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>What byte strings are: decides how they are compared, and whether their length is written.</summary>
internal enum ByteArrayKind
{
    /// <summary>UTF-8 text of any length.</summary>
    Text,

    /// <summary>Bytes of any length.</summary>
    Bytes,

    /// <summary>Bytes of one length, compared like <see cref="Bytes"/>.</summary>
    FixedBytes,

    /// <summary>Two's complement of one length, most significant byte first.</summary>
    FixedNumber,
}
