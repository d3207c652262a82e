using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Avro;

/// <summary>How the blocks of a file are compressed (Avro specification, "Required Codecs", "Optional Codecs").</summary>
internal enum AvroCodec
{
    None,
    Deflate,
    Snappy,
    Zstandard,
    Bzip2,
    Xz,
}

/// <summary>Names of codecs.</summary>
internal static class AvroCodecs
{
    private static readonly (string Name, AvroCodec Codec)[] Names =
    [
        ("null", AvroCodec.None), ("deflate", AvroCodec.Deflate), ("snappy", AvroCodec.Snappy), ("zstandard", AvroCodec.Zstandard), ("bzip2", AvroCodec.Bzip2),
            ("xz", AvroCodec.Xz),
    ];

    /// <summary>The name that stands in files.</summary>
    public static string NameOf(AvroCodec codec) => Names[(int)codec].Name;

    /// <summary>Finds the codec of a file.</summary>
    /// <param name="name">The name in its metadata.</param>
    /// <param name="file">The file, for messages.</param>
    /// <exception cref="DataFormatException">There is no such codec.</exception>
    public static AvroCodec Find(string name, string file)
    {
        foreach (var (known, codec) in Names)
            if (known == name)
                return codec;
        throw new DataFormatException($"The blocks of the file are compressed with '{name}', which is not supported; these are: "
            + $"{string.Join(", ", Names.Select(static n => n.Name))}. "
            + "Write the file with one of them.", new SourceLocation(file));
    }
}
