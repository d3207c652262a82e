using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Reading.Content;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Decodes blocks into batches: cuts batches, gets more content when a record is not all there, and says where an error is.</summary>
internal sealed unsafe class AvroDecodeSession : IDisposable
{
    // A batch should stay in the second-level cache.
    private const int BatchBytes = 4 << 20;
    private const int LeastBatchRows = 16;

    // Records without bytes would let a few bytes of input ask for any number of rows.
    private const int MaxFreeRows = 1 << 20;
    private readonly AvroProgram _program;
    private readonly IRandomAccess _file;
    private readonly IDecodeSink _sink;
    private readonly AvroDecoder _decoder;
    private readonly AvroContent _content;
    private readonly int _batchRows;
    private int _rows;
    private long _bytes;
    private long _firstRow;
    private AvroBlock _block;

    /// <summary>Makes a session.</summary>
    /// <param name="program">What to do with records.</param>
    /// <param name="codec">How blocks are compressed.</param>
    /// <param name="file">The file, for messages.</param>
    /// <param name="context">The pool and the largest record.</param>
    /// <param name="sink">Takes the batches.</param>
    public AvroDecodeSession(AvroProgram program, AvroCodec codec, IRandomAccess file, ReadContext context, IDecodeSink sink)
    {
        _program = program;
        _file = file;
        _sink = sink;
        _batchRows = RowsOfBatch(program);
        _content = AvroContent.Create(codec, context.MaxRecordSize, context.Pool);
        try
        {
            _decoder = new AvroDecoder(program, context.MaxRecordSize, context.Pool);
        }
        catch
        {
            _content.Dispose();
            throw;
        }
    }

    /// <summary>Decodes a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="input">Its data.</param>
    /// <exception cref="DataFormatException">The block is corrupt.</exception>
    public void Decode(AvroBlock block, AvroInput input)
    {
        _block = block;
        if (block.Rows == 0 && block.DataLength == 0)
            return;
        try
        {
            _content.Open(input);
            DecodeRecords(block.Rows);
            if (_content.At == _content.End && !_content.IsComplete)
                _content.Fill();
            if (_content.At < _content.End)
                throw new DataFormatException($"Block {block.Index + 1} has more bytes than its {block.Rows} records need. Fetch or write the file again.");
        }
        catch (DataFormatException e) when (e.Location is null)
        {
            throw new DataFormatException(e.Reason, new SourceLocation(_file.Name, ByteOffset: block.Offset), e);
        }
    }

    /// <summary>Hands on what was decoded.</summary>
    public void Flush()
    {
        if (_rows == 0)
            return;
        using var scope = new BufferScope();
        var columns = ImmutableArray.CreateBuilder<Column>(_decoder.Columns.Length);
        for (var i = 0; i < _decoder.Columns.Length; i++)
        {
            (string Path, int Index)? invalid = null;
            columns.Add(scope.Add(_decoder.Columns[i].Build(ref invalid)));
            if (invalid is { } at)
                throw NotText(at.Path, at.Path == _program.Schema.Fields[i].Name
                    ? $"record {_firstRow + at.Index + 1}" : $"records {_firstRow + 1} to {_firstRow + _rows}");
        }
        var batch = new RecordBatch(_program.Schema, columns.MoveToImmutable(), _rows);
        scope.Release();
        _firstRow += _rows;
        _rows = 0;
        _bytes = 0;
        _sink.Add(batch);
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _content.Dispose();
    }

    /// <summary>Fewer rows where they are wide.</summary>
    private static int RowsOfBatch(AvroProgram program)
    {
        var width = 1L;
        for (var i = 1; i < program.Targets.Length; i++)
            width += AvroColumn.SlotWidth(program.Targets[i]!);
        return (int)Math.Clamp(2L * BatchBytes / width, LeastBatchRows, IContainerReader.BatchRows);
    }

    private void DecodeRecords(long left)
    {
        if (_program.MinRecordSize == 0 && left > MaxFreeRows && left > _content.End - _content.At && _content.IsComplete)
            throw Wrong($"Block {_block.Index + 1} claims to have {left} records, but has {_content.End - _content.At} bytes");
        while (left > 0)
        {
            if (_rows == 0)
            {
                _decoder.Reserve((int)Math.Min(_batchRows, left));
                _firstRow = _block.FirstRow + _block.Rows - left;
            }
            var start = _content.At;
            var room = BatchBytes - _bytes;
            var soft = _content.End - start > room ? start + room : (byte*)nuint.MaxValue;
            var end = _decoder.Decode(start, _content.End, Math.Min(left, _batchRows - _rows), soft);
            _content.At = end == null ? _decoder.Rest : end;
            _bytes += _content.At - start;
            _rows += (int)_decoder.Done;
            left -= _decoder.Done;
            if (end == null)
                Continue(left);
            if (_rows == _batchRows || _bytes >= BatchBytes)
                Flush();
        }
    }

    /// <summary>Gets more content for a record that is not all there.</summary>
    private void Continue(long left)
    {
        _decoder.Truncate(_rows);
        var record = _block.FirstRow + _block.Rows - left + 1;
        if (_decoder.Problem is { } problem)
            throw Wrong($"Record {record} of the file has {problem} in field \"{_decoder.ProblemPath}\"");
        if (_content.IsComplete)
            throw Wrong($"Record {record} of the file does not end within its block, block {_block.Index + 1}");
        _content.Fill();
    }

    private DataFormatException Wrong(string what) =>
        new($"{what}. The file is corrupt, or was written with another schema than it says: fetch or write it again.",
            new SourceLocation(_file.Name, ByteOffset: _block.Offset));

    private DataFormatException NotText(string path, string where) => new(
        $"A text in {where} is not UTF-8. Read the column as bytes (a schema given by 'schema', with \"bytes\" for the field), or have the file written again.",
        new SourceLocation(_file.Name, Column: path, ByteOffset: _block.Offset));
}
