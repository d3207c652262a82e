using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Reads scalars as strings are cast to a type that the user named. For the few values that are not in JSON's own form.</summary>
internal abstract unsafe class JsonTextCast
{
    /// <summary>Makes the cast to a type; null when scalars of other forms are none of its values.</summary>
    /// <param name="to">The type.</param>
    /// <param name="allowsLoss">Whether values may be rounded.</param>
    public static JsonTextCast? Create(DataType to, bool allowsLoss) => JsonValueKinds.Of(to) switch
    {
        JsonValueKind.Bool => new BoolCast(),
        >= JsonValueKind.Int8 and <= JsonValueKind.Decimal128 => TextMaps.Find(to, new Making(isTemporal: false, allowsLoss)),
        JsonValueKind.Date or JsonValueKind.TimeMicroseconds or JsonValueKind.TimeNanoseconds or JsonValueKind.TimestampMicroseconds
            or JsonValueKind.TimestampNanoseconds or JsonValueKind.Uuid => TextMaps.Find(to, new Making(isTemporal: true, allowsLoss)),
        _ => null,
    };

    /// <summary>Appends a scalar.</summary>
    /// <param name="column">The column.</param>
    /// <param name="text">Its text; <see cref="Columns.BufferPool.Padding"/> bytes behind it are readable.</param>
    /// <param name="length">Bytes of the text, above 0.</param>
    /// <param name="isQuoted">Whether it was a string.</param>
    /// <returns>Whether it is a value of the type.</returns>
    public abstract bool TryAppend(JsonColumn column, byte* text, int length, bool isQuoted);

    private sealed class Making(bool isTemporal, bool allowsLoss) : ITextMapUser<JsonTextCast>
    {
        public JsonTextCast Use<T, TMap>(TMap map)
            where T : unmanaged
            where TMap : struct, ITextMap<T> => new ValueCast<T>(map, isTemporal, allowsLoss);
    }

    private sealed class ValueCast<T>(ITextMap<T> map, bool isTemporal, bool allowsLoss) : JsonTextCast where T : unmanaged
    {
        public override bool TryAppend(JsonColumn column, byte* text, int length, bool isQuoted)
        {
            // a number is no time, whatever it counts
            if ((isTemporal && !isQuoted) || map.Map(text, length, out var value) > (allowsLoss ? Verdict.Loses : Verdict.Kept))
                return false;
            column.Append<T>(value);
            return true;
        }
    }

    private sealed class BoolCast : JsonTextCast
    {
        public override bool TryAppend(JsonColumn column, byte* text, int length, bool isQuoted)
        {
            if (!LooseText.TryReadBool(new ReadOnlySpan<byte>(text, length), out var value))
                return false;
            column.Append(value);
            return true;
        }
    }
}
