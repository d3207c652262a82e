using System.Collections.Immutable;

namespace Nebula.Engine.Formats.Orc.Metadata;

/// <summary>Where a stripe is (ORC v1, "Stripe Information").</summary>
/// <param name="Offset">Its first byte in the file.</param>
/// <param name="IndexLength">Bytes of its indexes, which come first.</param>
/// <param name="DataLength">Bytes of its data, which come next.</param>
/// <param name="FooterLength">Bytes of its footer, as stored.</param>
/// <param name="Rows">Number of rows.</param>
internal readonly record struct StripeInformation(long Offset, long IndexLength, long DataLength, long FooterLength, long Rows)
{
    /// <summary>Bytes of the stripe.</summary>
    public long Length => IndexLength + DataLength + FooterLength;
}

/// <summary>The layout, types and statistics of a file (ORC v1, "Footer").</summary>
internal sealed class FileFooter
{
    /// <summary>Most levels of types in each other, without the root. Readers recurse over them; Hive and Spark stop far below.</summary>
    public const int MaxDepth = 256;

    private FileFooter()
    {
    }

    /// <summary>The stripes, in order.</summary>
    public ImmutableArray<StripeInformation> Stripes { get; private set; } = [];

    /// <summary>The root of the type tree.</summary>
    public OrcType Root { get; private set; } = null!;

    /// <summary>Number of nodes in the type tree.</summary>
    public int ColumnCount { get; private set; }

    /// <summary>Number of rows.</summary>
    public long Rows { get; private set; }

    /// <summary>Rows between two entries of an index; 0 without indexes.</summary>
    public uint RowIndexStride { get; private set; }

    /// <summary>Statistics per column of the whole file; may be missing.</summary>
    public ImmutableArray<ColumnStatistics> Statistics { get; private set; } = [];

    /// <summary>Keys and values that the writer added.</summary>
    public ImmutableArray<KeyValuePair<string, byte[]>> UserMetadata { get; private set; } = [];

    /// <summary>Which program wrote the file (ORC v1, "Footer"); null when unknown.</summary>
    public uint? Writer { get; private set; }

    /// <summary>Version of the program that wrote the file.</summary>
    public string? SoftwareVersion { get; private set; }

    /// <summary>Whether columns are encrypted.</summary>
    public bool IsEncrypted { get; private set; }

    /// <summary>Reads the message.</summary>
    /// <param name="message">The message, decompressed.</param>
    public static FileFooter Parse(ReadOnlySpan<byte> message)
    {
        var footer = new FileFooter();
        var stripes = ImmutableArray.CreateBuilder<StripeInformation>();
        var statistics = ImmutableArray.CreateBuilder<ColumnStatistics>();
        var userMetadata = ImmutableArray.CreateBuilder<KeyValuePair<string, byte[]>>();
        var types = new List<TypeNode>();
        var reader = new ProtobufReader(message);
        while (reader.Next())
            switch (reader.Field)
            {
                case 3:
                    stripes.Add(ParseStripe(reader.Bytes()));
                    break;
                case 4:
                    types.Add(ParseType(reader.Bytes()));
                    break;
                case 5:
                    userMetadata.Add(ParseUserMetadata(reader.Bytes()));
                    break;
                case 6:
                    footer.Rows = reader.Length();
                    break;
                case 7:
                    statistics.Add(ColumnStatistics.Parse(reader.Bytes()));
                    break;
                case 8:
                    footer.RowIndexStride = reader.UInt32();
                    break;
                case 9:
                    footer.Writer = reader.UInt32();
                    break;
                case 10:
                    footer.IsEncrypted |= reader.Bytes().Length > 0;
                    break;
                case 12:
                    footer.SoftwareVersion = reader.Text();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        footer.Stripes = stripes.DrainToImmutable();
        footer.Statistics = statistics.DrainToImmutable();
        footer.UserMetadata = userMetadata.DrainToImmutable();
        footer.ColumnCount = types.Count;
        footer.Root = BuildTree(types);
        return footer;
    }

    private static StripeInformation ParseStripe(ReadOnlySpan<byte> message)
    {
        var stripe = default(StripeInformation);
        var reader = new ProtobufReader(message);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    stripe = stripe with { Offset = reader.Length() };
                    break;
                case 2:
                    stripe = stripe with { IndexLength = reader.Length() };
                    break;
                case 3:
                    stripe = stripe with { DataLength = reader.Length() };
                    break;
                case 4:
                    stripe = stripe with { FooterLength = reader.Length() };
                    break;
                case 5:
                    stripe = stripe with { Rows = reader.Length() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return stripe;
    }

    private static KeyValuePair<string, byte[]> ParseUserMetadata(ReadOnlySpan<byte> message)
    {
        var (key, value) = ("", Array.Empty<byte>());
        var reader = new ProtobufReader(message);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    key = reader.Text();
                    break;
                case 2:
                    value = reader.Bytes().ToArray();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return new(key, value);
    }

    private static TypeNode ParseType(ReadOnlySpan<byte> message)
    {
        var node = new TypeNode();
        var reader = new ProtobufReader(message);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    var kind = reader.UInt64();
                    node.Kind = kind <= (ulong)OrcTypeKind.Geography ? (OrcTypeKind)kind
                        : throw new OrcFault($"a column has a type of number {kind}, which is not known", "Write the file again without the column.");
                    break;
                case 2:
                    reader.UInt64s(node.Children);
                    break;
                case 3:
                    node.FieldNames.Add(reader.Text());
                    break;
                case 4:
                    node.MaximumLength = reader.UInt32();
                    break;
                case 5:
                    node.Precision = reader.UInt32();
                    break;
                case 6:
                    node.Scale = reader.UInt32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return node;
    }

    private static OrcType BuildTree(List<TypeNode> nodes)
    {
        if (nodes.Count == 0)
            throw new OrcFault("the footer declares no columns");
        var depths = new int[nodes.Count];
        var isUsed = new bool[nodes.Count];
        for (var id = 0; id < nodes.Count; id++)
            foreach (var child in nodes[id].Children)
            {
                // a child behind its parent, and in one place only: so there are no circles
                if (child <= (ulong)id || child >= (ulong)nodes.Count || isUsed[child])
                    throw new OrcFault($"type {id} of {nodes.Count} in the footer has the impossible child {child}");
                isUsed[child] = true;
                depths[child] = depths[id] + 1;
                if (depths[child] > MaxDepth)
                    throw new OrcFault($"columns are nested more than {MaxDepth} levels deep", "Write the file again with flatter columns.");
            }
        if (Array.IndexOf(isUsed, false, 1) is var orphan and > 0)
            throw new OrcFault($"type {orphan} of {nodes.Count} in the footer belongs to no other");
        var types = new OrcType[nodes.Count];
        for (var id = nodes.Count - 1; id >= 0; id--)
            types[id] = nodes[id].Build(id, types);
        return types[0];
    }

    private sealed class TypeNode
    {
        public OrcTypeKind Kind { get; set; }

        public List<ulong> Children { get; } = [];

        public List<string> FieldNames { get; } = [];

        public uint MaximumLength { get; set; }

        public uint Precision { get; set; }

        public uint Scale { get; set; }

        public OrcType Build(int id, OrcType[] types)
        {
            var expected = Kind switch
            {
                OrcTypeKind.Struct => FieldNames.Count,
                OrcTypeKind.Union => Math.Clamp(Children.Count, 1, 256),
                OrcTypeKind.List => 1,
                OrcTypeKind.Map => 2,
                _ => 0,
            };
            if (Children.Count != expected)
                throw new OrcFault(
                    $"type {id} in the footer is a {Kind.ToString().ToLowerInvariant()} with {Children.Count} children where {expected} are expected");
            if (Kind == OrcTypeKind.Decimal && (Precision > 38 || Scale > Math.Max(Precision, 0) && Precision != 0))
                throw new OrcFault($"type {id} in the footer is decimal({Precision},{Scale}), which cannot be",
                    "Write the file again with decimals of up to 38 digits.");
            return new OrcType(Kind, id)
            {
                Children = [.. Children.Select(child => types[child])],
                FieldNames = [.. FieldNames],
                MaximumLength = MaximumLength,
                Precision = Precision,
                Scale = Scale,
            };
        }
    }
}
