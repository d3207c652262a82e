namespace Nebula.Orchestration.Tests;

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nebula-orchestration-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
