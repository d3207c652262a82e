using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Runs a program over records and fills columns. Used by one thread at a time.</summary>
/// <remarks>
/// The steps lie in an array, and so do the places that they append to: per value there is one jump, and neither a call nor a check of the end of the input;
/// that is looked at once per step, since no step reads more than a few bytes on its own account beyond what it has checked.
/// </remarks>
internal sealed unsafe class AvroDecoder : IDisposable
{
    // Items without bytes would let a few bytes of input ask for any amount of memory.
    private const int MaxFreeItems = 1 << 22;
    private const int ShortText = 32;
    private static readonly Int128[] PowersOfTen = MakePowers();
    private readonly AvroProgram _program;
    private readonly PooledBuffer _targetMemory;
    private readonly AvroTarget* _targets;
    private readonly AvroStep* _steps;
    private readonly AvroColumn?[] _columns;
    private readonly AvroJsonRenderer _json;
    private readonly GrowingBuffer _text;
    private readonly int _maxLength;
    private long _freeItems;
    private string? _problem;
    private string _problemPath = "";
    private long _done;
    private byte* _rest;

    /// <summary>Makes a decoder.</summary>
    /// <param name="program">What to do.</param>
    /// <param name="maxLength">Most bytes of a value.</param>
    /// <param name="pool">Where buffers come from.</param>
    public AvroDecoder(AvroProgram program, int maxLength, BufferPool pool)
    {
        _program = program;
        _maxLength = maxLength;
        _targetMemory = pool.Rent(program.Targets.Length * sizeof(AvroTarget));
        _targets = (AvroTarget*)_targetMemory.Pointer;
        _steps = (AvroStep*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(program.Steps));
        _columns = new AvroColumn?[program.Targets.Length];
        // the target that is none never fills
        _targets[0] = new AvroTarget { Limit = (byte*)1 };
        for (var i = program.Targets.Length - 1; i > 0; i--)
            _columns[i] = new AvroColumn(program.Targets[i]!, _targets + i, [.. program.Children[i].Select(child => _columns[child]!)], pool);
        _json = new AvroJsonRenderer(maxLength);
        _text = new GrowingBuffer(pool);
        Columns = [.. program.Columns.Select(target => _columns[target]!)];
    }

    /// <summary>The columns of the batch.</summary>
    public ImmutableArray<AvroColumn> Columns { get; }

    /// <summary>Records that the last call of <see cref="Decode"/> appended.</summary>
    public long Done => _done;

    /// <summary>Where the record begins that the last call of <see cref="Decode"/> could not append whole.</summary>
    public byte* Rest => _rest;

    /// <summary>What is wrong with the record behind those appended; null when nothing is.</summary>
    public string? Problem => _problem;

    /// <summary>The column in which <see cref="Problem"/> was found.</summary>
    public string ProblemPath => _problemPath;

    /// <summary>Makes room for records.</summary>
    /// <param name="rows">Number of records.</param>
    public void Reserve(int rows)
    {
        _freeItems = MaxFreeItems;
        foreach (var column in Columns)
            Reserve(column, rows);
    }

    /// <summary>Appends records.</summary>
    /// <param name="p">The first record.</param>
    /// <param name="limit">End of the input; a few bytes behind it are readable.</param>
    /// <param name="count">Most records wanted, at least 1.</param>
    /// <param name="soft">No record that begins here or behind is begun.</param>
    /// <returns>Where it got to; null when the input ends within a record or a record is wrong. <see cref="Done"/> records are appended, and parts of the next
    /// one.</returns>
    public byte* Decode(byte* p, byte* limit, long count, byte* soft)
    {
        _problem = null;
        return Run(0, count, p, limit, soft);
    }

    /// <summary>Takes back records.</summary>
    /// <param name="rows">Records that stay.</param>
    public void Truncate(int rows)
    {
        foreach (var column in Columns)
            column.Truncate(rows);
    }

    public void Dispose()
    {
        foreach (var column in Columns)
            column.Dispose();
        _text.Dispose();
        _targetMemory.Dispose();
    }

    private static void Reserve(AvroColumn column, int rows)
    {
        column.Grow(rows);
        if (!column.IsList)
            foreach (var child in column.Children)
                Reserve(child, rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private byte* Run(int first, long count, byte* p, byte* limit, byte* soft)
    {
        var steps = _steps;
        var targets = _targets;
        var pc = first;
        var done = 0L;
        var rest = p;
        while (true)
        {
            if (p > limit)
                goto Truncated;
            var step = steps + pc++;
            var target = targets + step->Target;
            if (step->NullBranch != 0)
            {
                var branch = AvroBinary.ReadLong(ref p);
                if ((ulong)branch > 1)
                {
                    if (p <= limit)
                        Report(step, $"the branch {branch} of a union of two");
                    goto Truncated;
                }
                if (branch == step->NullBranch - 1)
                {
                    if (step->NullTarget != 0)
                        _columns[step->NullTarget]!.AppendNull();
                    pc = step->Next;
                    continue;
                }
            }
            if (target->Next >= target->Limit)
                _columns[step->Target]!.Grow(1);
            if (target->Valid != null)
                *target->Valid++ = 1;
            switch (step->Kind)
            {
                case AvroStepKind.Int64:
                    *(long*)target->Next = AvroBinary.ReadLong(ref p);
                    target->Next += sizeof(long);
                    break;
                case AvroStepKind.Bytes:
                    {
                        var length = AvroBinary.ReadLong(ref p);
                        if (length < 0 || length > limit - p)
                        {
                            if (p <= limit && (ulong)length > (ulong)_maxLength)
                                Report(step, $"a length of {length} bytes, where there may be {_maxLength},");
                            goto Truncated;
                        }
                        if (target->DataLimit - target->Data < length)
                            _columns[step->Target]!.GrowData((int)length);
                        if (length <= ShortText)
                            Vector256.Load(p).Store(target->Data);
                        else
                            Buffer.MemoryCopy(p, target->Data, length, length);
                        p += length;
                        target->Data += length;
                        *(int*)target->Next = (int)(target->Data - target->DataStart);
                        target->Next += sizeof(int);
                        break;
                    }
                case AvroStepKind.End:
                    done++; // the check above holds for the record's last step too
                    pc = first;
                    if (done == count || p >= soft)
                    {
                        _done = done;
                        return p;
                    }
                    rest = p;
                    break;
                case AvroStepKind.Int32:
                    {
                        var value = AvroBinary.ReadLong(ref p);
                        if (value != (int)value && p <= limit)
                        {
                            Report(step, $"the number {value} as an int");
                            goto Truncated;
                        }
                        *(int*)target->Next = (int)value;
                        target->Next += sizeof(int);
                        break;
                    }
                case AvroStepKind.Float64:
                    *(long*)target->Next = *(long*)p;
                    p += sizeof(double);
                    target->Next += sizeof(double);
                    break;
                case AvroStepKind.Bool:
                    *target->Next++ = *p;
                    if (*p++ > 1 && p <= limit)
                    {
                        Report(step, $"the byte {p[-1]} as a boolean");
                        goto Truncated;
                    }
                    break;
                case AvroStepKind.ScaledInt64:
                    {
                        var value = AvroBinary.ReadLong(ref p);
                        var scaled = value * step->Argument;
                        if (scaled / step->Argument != value && p <= limit)
                        {
                            Report(step, $"the time {value}, which is beyond the years that a timestamp can have here,");
                            goto Truncated;
                        }
                        *(long*)target->Next = scaled;
                        target->Next += sizeof(long);
                        break;
                    }
                case AvroStepKind.Enum:
                    {
                        var position = AvroBinary.ReadLong(ref p);
                        if ((ulong)position >= (ulong)step->Argument && p <= limit)
                        {
                            Report(step, $"the symbol {position} of an enum that has {step->Argument}");
                            goto Truncated;
                        }
                        *(int*)target->Next = (int)position;
                        target->Next += sizeof(int);
                        break;
                    }
                case AvroStepKind.StructBegin:
                    break;
                case AvroStepKind.StructEnd:
                    *target->Next++ = 1;
                    break;
                case AvroStepKind.Jump:
                    pc = step->Next;
                    break;
                case AvroStepKind.Null:
                    _columns[step->NullTarget]!.AppendNull();
                    break;
                case AvroStepKind.Union:
                    {
                        var branch = AvroBinary.ReadLong(ref p);
                        if (p > limit)
                            goto Truncated;
                        if ((ulong)branch >= (ulong)step->Argument)
                        {
                            Report(step, $"the branch {branch} of a union of {step->Argument}");
                            goto Truncated;
                        }
                        pc = _program.Tables[step->Table + (int)branch];
                        break;
                    }
                case AvroStepKind.Array:
                    p = RunItems(step, pc, p, limit);
                    if (p == null)
                        goto Truncated;
                    *(int*)target->Next = _columns[step->Target]!.Children[0].Count;
                    target->Next += sizeof(int);
                    pc = step->Next;
                    break;
                case AvroStepKind.Default:
                    {
                        var constant =
                            (byte*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(_program.Constants[step->Table]));
                        if (Run(pc, 1, constant, constant + step->Argument, (byte*)nuint.MaxValue) == null)
                            goto Truncated;
                        pc = step->Next;
                        break;
                    }
                case AvroStepKind.SkipVarints:
                    for (var i = step->Argument; i > 0 && p <= limit; i--)
                        p = AvroBinary.SkipLong(p);
                    break;
                case AvroStepKind.SkipFixed:
                    if (step->Argument > limit - p)
                        goto Truncated;
                    p += step->Argument;
                    break;
                case AvroStepKind.SkipBytes:
                    {
                        var length = AvroBinary.ReadLong(ref p);
                        if (length < 0 || length > limit - p)
                        {
                            if (p <= limit && (ulong)length > (ulong)_maxLength)
                                Report(step, $"a length of {length} bytes, where there may be {_maxLength},");
                            goto Truncated;
                        }
                        p += length;
                        break;
                    }
                default:
                    p = RunRare(step, target, p, limit);
                    if (p == null)
                        goto Truncated;
                    break;
            }
        }
    Truncated:
        _done = done;
        _rest = rest;
        return null;
    }

    /// <summary>
    /// The blocks of an array or map, each a number of items; a negative one is followed by the size of the block, which only skipping needs.
    /// </summary>
    private byte* RunItems(AvroStep* step, int body, byte* p, byte* limit)
    {
        while (true)
        {
            var count = AvroBinary.ReadLong(ref p);
            if (p > limit)
                return null;
            if (count == 0)
                return p;
            if (count < 0)
            {
                count = -count;
                AvroBinary.ReadLong(ref p);
                if (p > limit)
                    return null;
            }
            // what takes no bytes counts: the item itself, or columns of it
            var free = Math.Max(step->Table, step->Argument == 0 ? 1 : 0);
            if (count < 0 || step->Argument > 0 && count > _maxLength / step->Argument
                || free > 0 && (_freeItems -= Math.Min(count, MaxFreeItems + 1L) * free) < 0)
            {
                Report(step, $"a list of {(ulong)count} items");
                return null;
            }
            if (step->Argument > 0 && count > (limit - p) / step->Argument)
                return null;
            p = Run(body, count, p, limit, (byte*)nuint.MaxValue);
            if (p == null)
                return null;
        }
    }

    private byte* RunRare(AvroStep* step, AvroTarget* target, byte* p, byte* limit)
    {
        switch (step->Kind)
        {
            case AvroStepKind.Float32:
                *(int*)target->Next = *(int*)p;
                target->Next += sizeof(float);
                return p + sizeof(float);
            case AvroStepKind.Float32AsFloat64:
                *(double*)target->Next = *(float*)p;
                target->Next += sizeof(double);
                return p + sizeof(float);
            case AvroStepKind.LongAsFloat32:
                *(float*)target->Next = AvroBinary.ReadLong(ref p);
                target->Next += sizeof(float);
                return p;
            case AvroStepKind.LongAsFloat64:
                *(double*)target->Next = AvroBinary.ReadLong(ref p);
                target->Next += sizeof(double);
                return p;
            case AvroStepKind.Uuid:
                Vector128.Load(p).Store(target->Next);
                target->Next += Vector128<byte>.Count;
                return p + Vector128<byte>.Count;
            case AvroStepKind.Duration:
                return RunDuration(step, target, p);
            case AvroStepKind.Fixed:
                if (step->Argument > limit - p)
                    return null;
                _columns[step->Target]!.AppendData(new ReadOnlySpan<byte>(p, (int)step->Argument));
                *(int*)target->Next = (int)(target->Data - target->DataStart);
                target->Next += sizeof(int);
                return p + step->Argument;
            case AvroStepKind.Decimal64 or AvroStepKind.Decimal128:
                return RunDecimal(step, target, p, limit);
            case AvroStepKind.MappedEnum:
                var position = AvroBinary.ReadLong(ref p);
                if (p > limit)
                    return null;
                if ((ulong)position >= (ulong)step->Argument || _program.Tables[step->Table + (int)position] < 0)
                {
                    Report(step, $"the symbol {position}, which the schema does not have and gives no default for,");
                    return null;
                }
                *(int*)target->Next = _program.Tables[step->Table + (int)position];
                target->Next += sizeof(int);
                return p;
            case AvroStepKind.Json:
                return RunJson(step, target, p, limit);
            case AvroStepKind.SkipValue:
                p = _json.Skip(_program.Values[step->Table], p, limit, 0);
                if (p == null && _json.Problem is not null)
                    Report(step, _json.Problem);
                return p;
            default:
                Report(step, "a value that the schema given by 'schema' has no place for");
                return null;
        }
    }

    private byte* RunDuration(AvroStep* step, AvroTarget* target, byte* p)
    {
        *target->Next++ = 1;
        foreach (var child in _program.Children[step->Target])
        {
            var part = _targets + child;
            if (part->Next >= part->Limit)
                _columns[child]!.Grow(1);
            *(uint*)part->Next = *(uint*)p;
            part->Next += sizeof(uint);
            p += sizeof(uint);
        }
        return p;
    }

    private byte* RunDecimal(AvroStep* step, AvroTarget* target, byte* p, byte* limit)
    {
        var length = step->Argument < 0 ? AvroBinary.ReadLong(ref p) : step->Argument;
        if (length < 0 || length > limit - p)
        {
            if (p <= limit && (ulong)length > (ulong)_maxLength)
                Report(step, $"a length of {length} bytes, where there may be {_maxLength},");
            return null;
        }
        var bound = PowersOfTen[step->Table];
        if (step->Kind == AvroStepKind.Decimal64)
        {
            if (AvroBinary.TryReadInt64(p, length, out var value) && value < (long)bound && value > -(long)bound)
            {
                *(long*)target->Next = value;
                target->Next += sizeof(long);
                return p + length;
            }
        }
        else if (AvroBinary.TryReadInt128(p, length, out var value) && value < bound && value > -bound)
        {
            *(Int128*)target->Next = value;
            target->Next += sizeof(Int128);
            return p + length;
        }
        var digits = length <= 64 ? new BigInteger(new ReadOnlySpan<byte>(p, (int)length),
            isBigEndian: true).ToString(System.Globalization.CultureInfo.InvariantCulture) : $"of {length} bytes";
        Report(step, $"the unscaled decimal {digits}, which has more than {step->Table} digits,");
        return null;
    }

    private byte* RunJson(AvroStep* step, AvroTarget* target, byte* p, byte* limit)
    {
        _text.Clear();
        p = _json.Render(_program.Values[step->Table], p, limit, _text, out var isNull);
        if (p == null)
        {
            if (_json.Problem is not null)
                Report(step, _json.Problem);
            return null;
        }
        if (isNull)
        {
            if (target->Valid != null)
                target->Valid--;
            _columns[step->Target]!.AppendNull();
            return p;
        }
        _columns[step->Target]!.AppendData(_text.Content);
        *(int*)target->Next = (int)(target->Data - target->DataStart);
        target->Next += sizeof(int);
        return p;
    }

    private void Report(AvroStep* step, string what)
    {
        _problem = what;
        _problemPath = _program.Paths[(int)(step - _steps)];
    }

    private static Int128[] MakePowers()
    {
        var powers = new Int128[39];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++)
            powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
