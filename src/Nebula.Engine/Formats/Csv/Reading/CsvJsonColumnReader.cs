using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Json.Reading;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Reads fields as JSON documents: as texts, of which those that are none are bad.</summary>
internal sealed unsafe class CsvJsonColumnReader : CsvColumnReader
{
    private readonly CsvTextColumnReader _texts = new();

    public override void Read(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad)
    {
        var first = buffers.Rows;
        _texts.Read(table, field, column, buffers, bad);
        var fault = new JsonFault();
        for (var row = 0; row < table.Rows; row++)
        {
            var at = first + row;
            if ((buffers.Validity[at >> 3] >> (at & 7) & 1) == 0)
                continue;
            var start = buffers.Values + buffers.Offsets[at];
            if (!JsonDocuments.IsOne(start, buffers.Values + buffers.Offsets[at + 1], fault))
                bad.Add(row, column, null);
        }
    }
}
