using System.Collections.Concurrent;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Decodes the blocks of a stream. Keeps the readers of earlier blocks: what they learned about keys and sizes holds for the next ones.</summary>
internal sealed class JsonDecoder(StreamPlan plan, JsonDialect dialect, BufferPool pool, SimdLevel level) : IBlockDecoder
{
    private readonly ConcurrentBag<IJsonBlockReader> _idle = [];

    /// <inheritdoc/>
    public void Decode(RawBlock block, IDecodeSink sink)
    {
        if (!_idle.TryTake(out var reader))
            reader = CreateReader();
        reader.Read(block, sink);
        _idle.Add(reader); // one that threw is not used again
    }

    private IJsonBlockReader CreateReader() => level switch
    {
        SimdLevel.Vector512 => new JsonBlockReader<StringKernel512>(plan, dialect, pool, level),
        SimdLevel.Vector256 => new JsonBlockReader<StringKernel256>(plan, dialect, pool, level),
        SimdLevel.Vector128 => new JsonBlockReader<StringKernel128>(plan, dialect, pool, level),
        _ => new JsonBlockReader<ScalarStringKernel>(plan, dialect, pool, level),
    };
}
