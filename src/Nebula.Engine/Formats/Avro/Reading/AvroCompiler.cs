using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Turns the schema that a file was written with, and the columns wanted, into a program (Avro specification, "Schema Resolution").</summary>
internal sealed class AvroCompiler
{
    private readonly string _file;
    private readonly List<AvroStep> _steps = [];
    private readonly List<string> _paths = [];
    private readonly List<int> _tables = [];
    private readonly List<AvroSchema> _values = [];
    private readonly List<byte[]> _constants = [];
    private readonly List<AvroNode?> _targets = [null];
    private readonly List<ImmutableArray<int>> _children = [[]];
    private readonly Dictionary<AvroNode, int> _targetOf = [];

    private AvroCompiler(string file) => _file = file;

    /// <summary>Makes a program.</summary>
    /// <param name="written">The file's schema.</param>
    /// <param name="read">The schema to be read; often the same.</param>
    /// <param name="columns">Its columns, as <see cref="AvroNode.OfFile"/> lays them out.</param>
    /// <param name="wanted">Positions of the columns wanted, in the order wanted.</param>
    /// <param name="file">The file, for messages.</param>
    /// <exception cref="DataFormatException">The file's schema cannot be read as the other, or a column has a type that cannot be represented.</exception>
    public static AvroProgram Compile(AvroSchema written, AvroSchema read, ImmutableArray<AvroNode> columns, ImmutableArray<int> wanted, string file)
    {
        var compiler = new AvroCompiler(file);
        var schema = new Schema(wanted.Select(column => new Field(
            read.Type == AvroType.Record ? AvroNode.NameOf(read.Fields[column]) : "value", columns[column].Type, columns[column].IsNullable)));
        var targets = wanted.Select(column => compiler.Register(columns[column])).ToImmutableArray();
        var problem = read.Type == AvroType.Record
            ? compiler.EmitRecord(written, read, columns, "")
            : wanted.IsEmpty ? compiler.EmitSkip(written, "value") : compiler.Emit(written, columns[0]);
        if (problem is not null)
            throw new DataFormatException($"{problem} Change the schema given by 'schema', or leave the column out.", new SourceLocation(file));
        compiler.Add(new AvroStep { Kind = AvroStepKind.End }, "");
        return compiler.Build(schema, targets, AvroSizes.Least(written));
    }

    private AvroProgram Build(Schema schema, ImmutableArray<int> columns, int minRecordSize)
    {
        var steps = GC.AllocateUninitializedArray<AvroStep>(_steps.Count, pinned: true);
        _steps.CopyTo(steps);
        return new AvroProgram
        {
            Schema = schema,
            Steps = steps,
            Paths = [.. _paths],
            Tables = [.. _tables],
            Values = [.. _values],
            Constants = [.. _constants],
            Targets = [.. _targets],
            Children = [.. _children],
            Columns = columns,
            MinRecordSize = minRecordSize,
        };
    }

    private int Register(AvroNode node)
    {
        var target = _targets.Count;
        _targets.Add(node);
        _children.Add([]);
        _targetOf[node] = target;
        _children[target] = [.. node.Children.Select(Register)];
        return target;
    }

    private int Add(AvroStep step, string path)
    {
        _steps.Add(step);
        _paths.Add(path);
        return _steps.Count - 1;
    }

    private void SetNext(int step) => CollectionsMarshal.AsSpan(_steps)[step].Next = _steps.Count;

    /// <summary>Emits the fields of a record. Fields not registered are passed over.</summary>
    /// <returns>Why it cannot be done; null when it can. The same holds for all methods below.</returns>
    private string? EmitRecord(AvroSchema written, AvroSchema read, ImmutableArray<AvroNode> nodes, string path)
    {
        if (written.Type != AvroType.Record)
            return Mismatch(written, read, path);
        var seen = new bool[read.Fields.Length];
        foreach (var field in written.Fields)
        {
            var at = Match(read, field.Name);
            if (at >= 0)
                seen[at] = true;
            var problem = at >= 0 && _targetOf.ContainsKey(nodes[at])
                ? Emit(field.Schema, nodes[at]) : EmitSkip(field.Schema, path.Length == 0 ? field.Name : $"{path}.{field.Name}");
            if (problem is not null)
                return problem;
        }
        for (var i = 0; i < seen.Length; i++)
            if (!seen[i] && _targetOf.ContainsKey(nodes[i]) && EmitDefault(read.Fields[i], nodes[i]) is { } problem)
                return problem;
        return null;
    }

    /// <summary>Finds the field of the schema to be read that a written field goes to.</summary>
    private static int Match(AvroSchema read, string name)
    {
        for (var i = 0; i < read.Fields.Length; i++)
            if (read.Fields[i].Name == name)
                return i;
        for (var i = 0; i < read.Fields.Length; i++)
            if (read.Fields[i].Aliases.Contains(name))
                return i;
        return -1;
    }

    private string? EmitDefault(AvroField field, AvroNode node)
    {
        if (field.Default is not { } value)
            return $"The file has no field for column \"{node.Path}\", and the schema gives no default for it.";
        var constant = AvroDefaults.Encode(value, field.Schema, $"the default of \"{node.Path}\"", _file);
        var padded = GC.AllocateArray<byte>(constant.Length + AvroProgram.ConstantPadding, pinned: true);
        constant.CopyTo(padded.AsSpan());
        _constants.Add(padded);
        var step = Add(new AvroStep { Kind = AvroStepKind.Default, Table = _constants.Count - 1, Argument = constant.Length }, node.Path);
        var problem = Emit(field.Schema, node);
        Add(new AvroStep { Kind = AvroStepKind.End }, node.Path);
        SetNext(step);
        return problem;
    }

    private string? Emit(AvroSchema written, AvroNode node)
    {
        if (node.Form == AvroForm.Json)
            return EmitJson(written, node);
        if (written.Type != AvroType.Union)
            return EmitValue(written, node, 0);
        if (written.Branches is [{ Type: AvroType.Null }, { } second] && node.IsNullable && node.Form != AvroForm.Null)
            return EmitValue(second, node, 1);
        if (written.Branches is [{ } first, { Type: AvroType.Null }] && node.IsNullable && node.Form != AvroForm.Null)
            return EmitValue(first, node, 2);
        return EmitUnion(written, node);
    }

    private string? EmitUnion(AvroSchema written, AvroNode node)
    {
        var table = _tables.Count;
        foreach (var _ in written.Branches)
            _tables.Add(0);
        Add(new AvroStep { Kind = AvroStepKind.Union, Table = table, Argument = written.Branches.Length }, node.Path);
        var jumps = new List<int>();
        string? problem = null;
        var works = written.Branches.IsEmpty;
        for (var i = 0; i < written.Branches.Length; i++)
        {
            _tables[table + i] = _steps.Count;
            problem = EmitValue(written.Branches[i], node, 0);
            works |= problem is null;
            if (problem is not null)
                Add(new AvroStep { Kind = AvroStepKind.Fail }, node.Path);
            jumps.Add(Add(new AvroStep { Kind = AvroStepKind.Jump }, node.Path));
        }
        foreach (var jump in jumps)
            SetNext(jump);
        // a branch that does not fit is an error only where it occurs
        return works ? null : problem;
    }

    private string? EmitValue(AvroSchema written, AvroNode node, byte nullBranch)
    {
        var target = _targetOf[node];
        if (written.Type == AvroType.Null)
        {
            if (!node.IsNullable)
                return Mismatch(written, node.Schema, node.Path);
            Add(new AvroStep { Kind = AvroStepKind.Null, NullTarget = target }, node.Path);
            return null;
        }
        switch (node.Form)
        {
            case AvroForm.List or AvroForm.Map:
                return EmitArray(written, node, target, nullBranch);
            case AvroForm.Struct:
                var begin = Add(new AvroStep { Kind = AvroStepKind.StructBegin, NullBranch = nullBranch, NullTarget = target }, node.Path);
                var problem = EmitRecord(written, node.Schema, node.Children, node.Path);
                Add(new AvroStep { Kind = AvroStepKind.StructEnd, Target = target }, node.Path);
                SetNext(begin);
                return problem;
            case AvroForm.Unsupported:
                return $"Column \"{node.Path}\" is a decimal with {node.Schema.Scale} digits behind the point, more than the {DataType.MaxDecimalPrecision} "
                    + "there can be.";
        }
        if (PlainStep(written, node) is not { } step)
            return Mismatch(written, node.Schema, node.Path);
        step.Target = step.NullTarget = target;
        step.NullBranch = nullBranch;
        SetNext(Add(step, node.Path));
        return null;
    }

    private string? EmitArray(AvroSchema written, AvroNode node, int target, byte nullBranch)
    {
        var isPairs = node.Form == AvroForm.Map && node.Schema.Type == AvroType.Array;
        if (written.Type != (node.Form == AvroForm.List || isPairs ? AvroType.Array : AvroType.Map))
            return Mismatch(written, node.Schema, node.Path);
        var least = AvroSizes.Least(written.Items!) + (written.Type == AvroType.Map ? 1 : 0);
        var step = Add(new AvroStep
        {
            Kind = AvroStepKind.Array,
            Target = target,
            NullTarget = target,
            NullBranch = nullBranch,
            Argument = least,
            Table = CountFree(node)
        }, node.Path);
        string? problem;
        if (isPairs)
            problem = EmitRecord(written.Items!, node.Schema.Items!, node.Children, node.Path);
        else
        {
            if (node.Form == AvroForm.Map)
                Add(new AvroStep { Kind = AvroStepKind.Bytes, Target = _targetOf[node.Children[0]] }, node.Children[0].Path);
            problem = Emit(written.Items!, node.Children[^1]);
        }
        Add(new AvroStep { Kind = AvroStepKind.End }, node.Path);
        SetNext(step);
        return problem;
    }

    /// <summary>Columns of an item that take no bytes in a file.</summary>
    private static int CountFree(AvroNode list) => list.Children.Sum(static child => child.Form == AvroForm.Null
        ? 1 : child.Form == AvroForm.List ? 0 : CountFree(child));

    /// <summary>Values that are rendered as JSON are not resolved: the schemas must be the same, or the written one a branch of the other.</summary>
    private string? EmitJson(AvroSchema written, AvroNode node)
    {
        var read = node.Schema;
        if (!ReferenceEquals(written, read))
        {
            var accepted = new HashSet<string>(StringComparer.Ordinal) { AvroCanonicalForm.Of(read) };
            if (node.IsNullable)
                accepted.Add(AvroCanonicalForm.Of(new AvroSchema(AvroType.Null)));
            foreach (var branch in read.Branches)
                accepted.Add(AvroCanonicalForm.Of(branch));
            var branches = written.Type == AvroType.Union && !accepted.Contains(AvroCanonicalForm.Of(written)) ? written.Branches : [written];
            if (!branches.All(branch => accepted.Contains(AvroCanonicalForm.Of(branch))))
                return Mismatch(written, read, node.Path);
        }
        _values.Add(written);
        var target = _targetOf[node];
        Add(new AvroStep { Kind = AvroStepKind.Json, Target = target, NullTarget = target, Table = _values.Count - 1 }, node.Path);
        return null;
    }

    private string? EmitSkip(AvroSchema written, string path)
    {
        byte nullBranch = 0;
        var value = written;
        if (written.Branches is [{ Type: AvroType.Null }, { } second])
            (value, nullBranch) = (second, 1);
        else if (written.Branches is [{ } first, { Type: AvroType.Null }])
            (value, nullBranch) = (first, 2);
        var step = value.Type switch
        {
            AvroType.Null => new AvroStep { Kind = AvroStepKind.SkipFixed },
            AvroType.Boolean => new AvroStep { Kind = AvroStepKind.SkipFixed, Argument = 1 },
            AvroType.Int or AvroType.Long or AvroType.Enum => new AvroStep { Kind = AvroStepKind.SkipVarints, Argument = 1 },
            AvroType.Float => new AvroStep { Kind = AvroStepKind.SkipFixed, Argument = sizeof(float) },
            AvroType.Double => new AvroStep { Kind = AvroStepKind.SkipFixed, Argument = sizeof(double) },
            AvroType.Fixed => new AvroStep { Kind = AvroStepKind.SkipFixed, Argument = value.Size },
            AvroType.Bytes or AvroType.String => new AvroStep { Kind = AvroStepKind.SkipBytes },
            _ => new AvroStep { Kind = AvroStepKind.SkipValue, Table = _values.Count },
        };
        if (step.Kind == AvroStepKind.SkipValue)
            _values.Add(value);
        step.NullBranch = nullBranch;
        if (step.Kind is AvroStepKind.SkipFixed or AvroStepKind.SkipVarints && nullBranch == 0 && _steps.Count > 0
            && CollectionsMarshal.AsSpan(_steps) is [.., { NullBranch: 0 } last] && last.Kind == step.Kind)
            CollectionsMarshal.AsSpan(_steps)[^1].Argument += step.Argument;
        else
            SetNext(Add(step, path));
        return null;
    }

    /// <summary>The step that reads a value without children; null when the written type does not fit.</summary>
    private AvroStep? PlainStep(AvroSchema written, AvroNode node)
    {
        var type = written.Type;
        switch (node.Form)
        {
            case AvroForm.Bool when type == AvroType.Boolean:
                return new() { Kind = AvroStepKind.Bool };
            case AvroForm.Int32 when type == AvroType.Int:
                return new() { Kind = AvroStepKind.Int32 };
            case AvroForm.Int64 when type is AvroType.Int or AvroType.Long:
                return AvroUnits.Factor(written, node) is not { } factor ? null
                    : factor == 1 ? new() { Kind = AvroStepKind.Int64 } : new() { Kind = AvroStepKind.ScaledInt64, Argument = factor };
            case AvroForm.Float32 when type == AvroType.Float:
                return new() { Kind = AvroStepKind.Float32 };
            case AvroForm.Float32 when type is AvroType.Int or AvroType.Long:
                return new() { Kind = AvroStepKind.LongAsFloat32 };
            case AvroForm.Float64 when type == AvroType.Double:
                return new() { Kind = AvroStepKind.Float64 };
            case AvroForm.Float64 when type == AvroType.Float:
                return new() { Kind = AvroStepKind.Float32AsFloat64 };
            case AvroForm.Float64 when type is AvroType.Int or AvroType.Long:
                return new() { Kind = AvroStepKind.LongAsFloat64 };
            case AvroForm.Bytes when type is AvroType.Bytes or AvroType.String:
                return new() { Kind = AvroStepKind.Bytes };
            case AvroForm.Fixed when type == AvroType.Fixed && written.Size == node.Schema.Size:
                return new() { Kind = AvroStepKind.Fixed, Argument = written.Size };
            case AvroForm.Uuid when type == AvroType.Fixed && written.Size == 16:
                return new() { Kind = AvroStepKind.Uuid };
            case AvroForm.Duration when type == AvroType.Fixed && written.Size == 12:
                return new() { Kind = AvroStepKind.Duration };
            case AvroForm.Decimal when type is AvroType.Bytes or AvroType.Fixed
                && (written.Logical != AvroLogicalType.Decimal || written.Scale == node.Type.Scale):
                return new()
                {
                    Kind = node.Type.ByteWidth == 8 ? AvroStepKind.Decimal64 : AvroStepKind.Decimal128,
                    Argument = type == AvroType.Fixed ? written.Size : -1,
                    Table = node.Type.Precision,
                };
            case AvroForm.Enum when type == AvroType.Enum:
                return EnumStep(written, node.Schema);
            default:
                return null;
        }
    }

    private AvroStep EnumStep(AvroSchema written, AvroSchema read)
    {
        if (written.Symbols.SequenceEqual(read.Symbols))
            return new() { Kind = AvroStepKind.Enum, Argument = written.Symbols.Length };
        var table = _tables.Count;
        var fallback = read.DefaultSymbol is { } symbol ? read.Symbols.IndexOf(symbol) : -1;
        foreach (var name in written.Symbols)
            _tables.Add(read.Symbols.IndexOf(name) is >= 0 and var at ? at : fallback);
        return new() { Kind = AvroStepKind.MappedEnum, Table = table, Argument = written.Symbols.Length };
    }

    private static string Mismatch(AvroSchema written, AvroSchema read, string path) =>
        $"{(path.Length == 0 ? "The file" : $"Column \"{path}\"")} was written as {written}, which cannot be read as {read}.";
}
