using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>The columns of several files that are read as one stream, by name, each of a type that holds the values of all files.</summary>
internal sealed class SchemaUnion
{
    private readonly List<Field> _fields = [];
    private readonly Dictionary<string, int> _positions = new(StringComparer.Ordinal);
    private int _files;

    /// <summary>Adds the columns of a file.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="file">The file, for messages.</param>
    /// <exception cref="NebulaException">A column has a type that has nothing in common with that of the files before.</exception>
    public void Add(Schema schema, string file)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in schema.Fields)
        {
            if (!seen.Add(field.Name))
                throw new DataFormatException($"the file has two columns with the name \"{field.Name}\"", new SourceLocation(file));
            if (!_positions.TryGetValue(field.Name, out var position))
            {
                _positions.Add(field.Name, _fields.Count);
                // the files before do not have it
                _fields.Add(_files == 0 || field.Nullable ? field : new Field(field.Name, field.Type));
                continue;
            }
            var known = _fields[position];
            if (known.Equals(field))
                continue;
            var type = CommonType.Of(known.Type, field.Type) ?? throw new NebulaException(
                ErrorKind.Schema,
                $"Column \"{field.Name}\" is {known.Type} in the files before and {field.Type} in this one. "
                + $"Read them as streams of their own, or cast the column (columns: {{ {field.Name}: string }}).",
                new SourceLocation(file));
            _fields[position] = new Field(field.Name, type, known.Nullable || field.Nullable);
        }
        if (_files++ > 0)
            foreach (var (name, position) in _positions)
                if (!seen.Contains(name) && !_fields[position].Nullable)
                    _fields[position] = new Field(name, _fields[position].Type);
    }

    /// <summary>The columns of all files.</summary>
    public Schema Build() => new(_fields);
}
