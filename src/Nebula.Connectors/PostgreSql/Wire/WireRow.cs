using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>A row of an answer, whose values are text.</summary>
/// <param name="values">The values.</param>
/// <param name="input">Where it came from, for what is no value.</param>
internal sealed class WireRow(string?[] values, WireInput input)
{
    /// <summary>The values; null for null.</summary>
    public string?[] Values => values;

    /// <summary>Whether a value is null.</summary>
    /// <param name="column">The column.</param>
    public bool IsNull(int column) => At(column) is null;

    /// <summary>A value that is not null.</summary>
    /// <param name="column">The column.</param>
    /// <exception cref="DataFormatException">It is.</exception>
    public string Text(int column) => At(column) ?? throw Broken(column);

    /// <summary>A value of one character.</summary>
    /// <param name="column">The column.</param>
    /// <exception cref="DataFormatException">It is none.</exception>
    public char Char(int column) => At(column) is [var one] ? one : throw Broken(column);

    /// <summary>A boolean.</summary>
    /// <param name="column">The column.</param>
    /// <exception cref="DataFormatException">It is none.</exception>
    public bool Bool(int column) => At(column) switch
    {
        "t" => true,
        "f" => false,
        _ => throw Broken(column),
    };

    /// <summary>A whole number.</summary>
    /// <param name="column">The column.</param>
    /// <exception cref="DataFormatException">It is none.</exception>
    public long Int64(int column) =>
        long.TryParse(At(column), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw Broken(column);

    /// <summary>A whole number of four bytes.</summary>
    /// <param name="column">The column.</param>
    /// <exception cref="DataFormatException">It is none.</exception>
    public int Int32(int column) => Int64(column) is >= int.MinValue and <= int.MaxValue and var number ? (int)number : throw Broken(column);

    /// <summary>The number of an object of the database.</summary>
    /// <param name="column">The column.</param>
    /// <exception cref="DataFormatException">It is none.</exception>
    public uint Oid(int column) => Int64(column) is >= 0 and <= uint.MaxValue and var number ? (uint)number : throw Broken(column);

    /// <summary>Reads a row. Manual, "DataRow".</summary>
    /// <param name="content">The content of the message.</param>
    /// <param name="input">Where it came from.</param>
    /// <exception cref="DataFormatException">It lies.</exception>
    public static WireRow Read(ReadOnlySpan<byte> content, WireInput input)
    {
        var count = content.Length < sizeof(short) ? ushort.MaxValue : BinaryPrimitives.ReadUInt16BigEndian(content);
        if (count > content.Length / sizeof(int))
            throw input.Unexpected((byte)'D');
        var values = new string?[count];
        content = content[sizeof(short)..];
        for (var i = 0; i < values.Length; i++)
        {
            var length = content.Length < sizeof(int) ? int.MaxValue : BinaryPrimitives.ReadInt32BigEndian(content);
            if (length > content.Length - sizeof(int) || length < -1)
                throw input.Unexpected((byte)'D');
            content = content[sizeof(int)..];
            values[i] = length < 0 ? null : Encoding.UTF8.GetString(content[..length]);
            content = content[Math.Max(length, 0)..];
        }
        return new WireRow(values, input);
    }

    private string? At(int column) => column < values.Length ? values[column] : throw Broken(column);

    private DataFormatException Broken(int column) =>
        input.Broken($"{(column < values.Length ? $"'{values[column] ?? "null"}'" : "nothing")} stands in column {column + 1} of an answer");
}

/// <summary>A column of what a statement gives. Manual, "RowDescription".</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type, domains resolved.</param>
/// <param name="Modifier">The modifier of its type; -1 for none.</param>
internal sealed record WireColumn(string Name, uint Type, int Modifier)
{
    // in front of the type are table and column; behind it size, modifier and form
    private const int TypeOffset = sizeof(int) + sizeof(short);
    private const int ModifierOffset = TypeOffset + sizeof(int) + sizeof(short);
    private const int FixedSize = ModifierOffset + sizeof(int) + sizeof(short);

    /// <summary>Reads columns.</summary>
    /// <param name="content">The content of the message.</param>
    /// <param name="input">Where it came from.</param>
    /// <exception cref="DataFormatException">It lies.</exception>
    public static List<WireColumn> Read(ReadOnlySpan<byte> content, WireInput input)
    {
        if (content.Length < sizeof(short))
            throw input.Unexpected((byte)'T');
        var columns = new List<WireColumn>();
        var count = BinaryPrimitives.ReadUInt16BigEndian(content);
        content = content[sizeof(short)..];
        while (columns.Count < count)
        {
            var end = content.IndexOf((byte)0);
            if (end < 0 || content.Length - end - 1 < FixedSize)
                throw input.Unexpected((byte)'T');
            var name = Encoding.UTF8.GetString(content[..end]);
            content = content[(end + 1)..];
            columns.Add(new WireColumn(name, BinaryPrimitives.ReadUInt32BigEndian(content[TypeOffset..]),
                BinaryPrimitives.ReadInt32BigEndian(content[ModifierOffset..])));
            content = content[FixedSize..];
        }
        return columns;
    }
}
