using System.Buffers.Binary;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>In which form the server answers a <c>COPY</c>, and what reads it. One serves all connections.</summary>
/// <param name="decoder">Turns blocks of whole rows into columns.</param>
internal abstract class CopyForm(IBlockDecoder decoder)
{
    /// <summary>Chooses the form for a plan.</summary>
    /// <param name="plan">The columns.</param>
    /// <param name="context">Record size and pool.</param>
    public static CopyForm Of(StreamPlan plan, ReadContext context) =>
        TableDetails.IsPrinted(plan) ? new PrintedRows(plan, context) : new Binary(plan, context);

    /// <summary>Turns a block into rows.</summary>
    /// <param name="block">The block.</param>
    /// <param name="sink">Takes the rows.</param>
    public virtual void Decode(RawBlock block, IDecodeSink sink) => decoder.Decode(block, sink);

    /// <summary>What the decoder has to know of a block.</summary>
    /// <param name="rows">Number of rows.</param>
    public virtual int ContextOf(int rows) => rows;

    /// <summary>Takes what is no row away from a block.</summary>
    /// <param name="copy">The answer that it was just read from.</param>
    /// <param name="block">The block.</param>
    /// <param name="isFirst">Whether it is the first of the answer.</param>
    /// <param name="rows">Number of rows.</param>
    /// <returns>Number of bytes that were taken away from its start.</returns>
    /// <exception cref="DataFormatException">The answer does not begin as it should.</exception>
    public abstract int Strip(CopyOut copy, PooledBuffer block, bool isFirst, ref int rows);

    /// <summary>
    /// Finds what stands in front of the rows of a binary <c>COPY</c>, in the same message as the first. Manual, <c>COPY</c>, "Binary Format".
    /// </summary>
    /// <param name="bytes">The first message.</param>
    /// <param name="name">What is read, for messages.</param>
    /// <returns>Its length.</returns>
    /// <exception cref="DataFormatException">It is not what it should be.</exception>
    public static int HeaderOf(ReadOnlySpan<byte> bytes, string name)
    {
        const int FlagsOffset = 11;
        const int ExtensionOffset = 15;
        const int HeaderSize = 19;
        return bytes.Length >= HeaderSize && bytes.StartsWith(Signature)
            && BinaryPrimitives.ReadInt32BigEndian(bytes[FlagsOffset..]) >> 16 == 0 && BinaryPrimitives.ReadInt32BigEndian(bytes[ExtensionOffset..]) == 0
            ? HeaderSize : throw new DataFormatException(
                "The server's answer does not begin as a binary COPY does. What lies between here and the server changes its answers, or this is a defect: "
                    + "report it.", new SourceLocation(name, ByteOffset: 0));
    }

    private static ReadOnlySpan<byte> Signature => [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00];

    private sealed class Binary(StreamPlan plan, ReadContext context) : CopyForm(new CopyDecoder(plan, context.Pool))
    {
        private const short Trailer = -1;

        public override int Strip(CopyOut copy, PooledBuffer block, bool isFirst, ref int rows)
        {
            var header = isFirst ? HeaderOf(block.Content, plan.Stream.Name) : 0;
            if (header > 0)
            {
                block.Content[header..].CopyTo(block.Span);
                block.Length -= header;
            }
            // a number where a row has that of its columns, in a message of its own unless there is no row
            if (copy.LastRowSize - (rows == 1 ? header : 0) == sizeof(short) && BinaryPrimitives.ReadInt16BigEndian(block.Content[^sizeof(short)..]) == Trailer)
            {
                block.Length -= sizeof(short);
                rows--;
            }
            return header;
        }
    }
}
