namespace Nebula.Orchestration.Planning;

/// <summary>What a source has.</summary>
/// <param name="Names">Its streams.</param>
/// <param name="Bytes">Their bytes as stored, in the same order; null where unknown.</param>
public sealed record SourceStreams(IReadOnlyList<string> Names, IReadOnlyList<long?> Bytes);
