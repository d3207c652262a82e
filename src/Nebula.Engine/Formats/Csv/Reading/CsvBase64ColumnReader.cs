using System.Buffers;
using System.Buffers.Text;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Reads fields as the bytes that they are the base64 of, as <see cref="Writing.CsvBlockEncoder"/> writes them.</summary>
internal sealed unsafe class CsvBase64ColumnReader : CsvColumnReader
{
    public override void Read(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad)
    {
        MarkValid(buffers, table.Rows);
        var nulls = 0;
        var offsets = buffers.Offsets + buffers.Rows;
        var target = buffers.Values + *offsets;
        for (var row = 0; row < table.Rows; row++)
        {
            var at = (row * table.Stride) + field;
            var from = table.Before[at] + 1;
            var p = table.Data + from;
            var length = (int)(table.Ends[at] - from);
            if (table.TrimReturn && field == table.Stride - 1 && length > 0 && p[length - 1] == '\r')
                length--;
            var end = CsvTextColumnReader.ReadField(table, p, length, target, out var isNull, out var isBad);
            if (isNull)
            {
                MarkNull(buffers.Validity, buffers.Rows + row);
                nulls++;
            }
            if (isBad)
                bad.Add(row, column, CsvQuotes.TextBehindQuote);
            else if (Base64.DecodeFromUtf8InPlace(new Span<byte>(target, (int)(end - target)), out var written) == OperationStatus.Done)
                target += written;
            else
                bad.Add(row, column, null);
            offsets[row + 1] = (int)(target - buffers.Values);
        }
        buffers.Advance(table.Rows, nulls);
    }
}
