namespace Nebula.Orchestration.Planning;

/// <summary>What a source has.</summary>
/// <param name="Names">Its streams.</param>
/// <param name="Bytes">Their bytes as stored, in the same order; null where unknown.</param>
public sealed record SourceStreams(IReadOnlyList<string> Names, IReadOnlyList<long?> Bytes)
{
    /// <summary>Makes it of names and sizes.</summary>
    /// <param name="sizes">The sizes by name.</param>
    public static SourceStreams Of(OrderedDictionary<string, long?> sizes) => new([.. sizes.Keys], [.. sizes.Values]);
}
