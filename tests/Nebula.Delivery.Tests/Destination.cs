using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Nebula.Integration.Tests.Servers;

namespace Nebula.Delivery.Tests;

/// <summary>Where rows go, and what a reader finds there.</summary>
internal abstract class Destination
{
    public virtual IEnumerable<(string Name, string Value)> Variables => [];

    /// <summary>Uploads of all runs that were begun and neither published nor given up.</summary>
    public virtual Task<int> UnfinishedAsync() => Task.FromResult(0);

    /// <summary>What a reader sees: the content of each file.</summary>
    protected abstract Task<IReadOnlyList<byte[]>> ReadAsync(Folder folder);

    /// <summary>What is left that nobody needs.</summary>
    protected abstract Task<IReadOnlyList<string>> LeftoversAsync(Folder folder);

    public async Task CheckAsync(Folder folder, string when)
    {
        var rows = (await ReadAsync(folder)).SelectMany(Read).OrderBy(static row => row.Id).ToList();
        Assert.True(Enumerable.Range(0, Folder.Rows).Select(static id => (id, Folder.TextOf(id))).SequenceEqual(rows),
            $"{when}: {rows.Count} rows, {rows.Distinct().Count()} different, of {Folder.Rows}");
        Assert.True(await LeftoversAsync(folder) is [], $"{when}: {string.Join(", ", await LeftoversAsync(folder))} is left");
    }

    private static IEnumerable<(int Id, string Text)> Read(byte[] content)
    {
        Stream stream = new MemoryStream(content);
        if (content is [0x1F, 0x8B, ..])
            stream = new GZipStream(stream, CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            if (line.StartsWith('{'))
            {
                using var row = JsonDocument.Parse(line);
                yield return (row.RootElement.GetProperty("id").GetInt32(), row.RootElement.GetProperty("text").GetString()!);
            }
            else if (line != "id,text")
                yield return (int.Parse(line.AsSpan(0, line.IndexOf(',', StringComparison.Ordinal)), CultureInfo.InvariantCulture),
                    line[(line.IndexOf(',', StringComparison.Ordinal) + 1)..].Trim('"'));
    }
}

/// <summary>A folder of this machine.</summary>
/// <param name="target">File or folder in it.</param>
internal sealed class LocalWorld(string target) : Destination
{
    protected override Task<IReadOnlyList<byte[]>> ReadAsync(Folder folder)
    {
        var path = Path.Combine(folder.Path, target);
        return Task.FromResult<IReadOnlyList<byte[]>>(File.Exists(path) ? [File.ReadAllBytes(path)]
            : [.. Directory.EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true }).Select(File.ReadAllBytes)]);
    }

    protected override Task<IReadOnlyList<string>> LeftoversAsync(Folder folder) => Task.FromResult<IReadOnlyList<string>>(
        [.. Directory.EnumerateFiles(folder.Path, "*.nebula-tmp", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })]);
}

/// <summary>A container of a store.</summary>
/// <param name="world">The container.</param>
/// <param name="address">Where runs find the store; null for the server itself.</param>
internal sealed class RemoteWorld(StoreWorld world, Uri? address = null) : Destination
{
    public override IEnumerable<(string Name, string Value)> Variables => world.VariablesAt(address ?? world.Address);

    public override Task<int> UnfinishedAsync() => world.UnfinishedAsync();

    protected override async Task<IReadOnlyList<byte[]>> ReadAsync(Folder folder)
    {
        var files = new List<byte[]>();
        foreach (var key in await world.DataAsync())
            if (key.StartsWith(folder.Key + "/", StringComparison.Ordinal))
                files.Add((await world.GetAsync(key))!);
        return files;
    }

    protected override async Task<IReadOnlyList<string>> LeftoversAsync(Folder folder) =>
        [.. (await world.KeysAsync())
            .Where(key => key.StartsWith(folder.Key + "/", StringComparison.Ordinal)
                && key.EndsWith(".nebula-tmp", StringComparison.Ordinal))];
}
