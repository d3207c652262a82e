namespace Nebula.Engine.Formats.Json;

/// <summary>What the splitter tells the decoder about a block; see <see cref="Connectors.RawBlock.Context"/>.</summary>
internal enum JsonBlockContext
{
    /// <summary>The block starts the stream: a byte order mark may stand in front, and an array opens in it.</summary>
    Start,

    /// <summary>The block goes on where a record ended: with a comma inside an array, with a record elsewhere.</summary>
    Inside,

    /// <summary>The block holds no records: what stands in front of or behind the array of records.</summary>
    Outside,
}
