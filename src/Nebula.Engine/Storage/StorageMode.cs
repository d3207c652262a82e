namespace Nebula.Engine.Storage;

/// <summary>How records are held in memory.</summary>
public enum StorageMode
{
    /// <summary>Nebula chooses, which today is <see cref="Hybrid"/>.</summary>
    Auto,

    /// <summary>Compact rows: the least work per record, for small and streaming loads.</summary>
    Row,

    /// <summary>Compressed columns: the least memory per record.</summary>
    Columnar,

    /// <summary>Rows at first, columns once there are more than a threshold of records.</summary>
    Hybrid,
}
