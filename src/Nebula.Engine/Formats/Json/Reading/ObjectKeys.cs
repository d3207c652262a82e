using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Nebula.Engine.Formats.Json.Writing;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// The keys that an object can have and the columns behind them. Records tend to have their keys in the order of the record before, so each key remembers
/// which one followed it last, and that one is compared in place, with its quotes and colon, before anything is looked up.
/// </summary>
internal sealed unsafe class ObjectKeys
{
    private const int Run = 64;
    private readonly JsonColumn?[] _columns;
    private readonly KeyTable _table = new();
    private readonly Entry[] _entries;
    private readonly byte[] _patterns;

    /// <summary>Makes the keys of an object.</summary>
    /// <param name="names">All keys that are known.</param>
    /// <param name="columns">The column of each; null for one that is read past.</param>
    /// <param name="owner">The column whose objects they are keys of; null for the keys of records.</param>
    public ObjectKeys(string[] names, JsonColumn?[] columns, JsonColumn? owner)
    {
        Owner = owner;
        _columns = columns;
        Columns = [.. columns.OfType<JsonColumn>()];
        var texts = names.Select(Encoding.UTF8.GetBytes).ToArray();
        _entries = GC.AllocateArray<Entry>(names.Length + 1, pinned: true);
        _patterns = GC.AllocateArray<byte>(texts.Sum(static text => text.Length + 3) + Run, pinned: true);
        var at = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_patterns));
        for (var i = 0; i < names.Length; i++)
        {
            var pattern = $"\"{names[i]}\":";
            // a key that JSON would have to escape never stands in the input as it is
            var length = texts[i].AsSpan().IndexOfAny(JsonEscapes.Escaped) >= 0 ? 0 : Encoding.UTF8.GetBytes(pattern, new Span<byte>(at, texts[i].Length + 3));
            _entries[i] = new Entry { Pattern = at, Length = length, Next = i + 1 };
            at += length;
            _table.Add(texts[i]);
        }
        // what stands behind the last key and in front of the first: matches nothing
        _entries[names.Length] = new Entry { Pattern = at, Next = 0 };
    }

    /// <summary>The column whose objects these are keys of; null for the keys of records.</summary>
    public JsonColumn? Owner { get; }

    /// <summary>The columns that must have a value or a null behind every object.</summary>
    public JsonColumn[] Columns { get; }

    /// <summary>Stands for the place in front of the first key.</summary>
    public int Start => _entries.Length - 1;

    /// <summary>The column of a key; null for one that is read past.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public JsonColumn? ColumnOf(int key) => _columns[key];

    /// <summary>Tries the key that followed <paramref name="previous"/> last time.</summary>
    /// <param name="p">The opening quote; when the key is there, moved behind its colon.</param>
    /// <param name="previous">The key before, or <see cref="Start"/>.</param>
    /// <typeparam name="TKernel">How bytes are compared.</typeparam>
    /// <returns>The key, or -1.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Predict<TKernel>(ref byte* p, int previous) where TKernel : struct, IStringKernel
    {
        ref var first = ref MemoryMarshal.GetArrayDataReference(_entries);
        var key = Unsafe.Add(ref first, previous).Next;
        ref var entry = ref Unsafe.Add(ref first, key);
        if (entry.Length == 0 || !TKernel.StartsWith(p, entry.Pattern, entry.Length))
            return -1;
        p += entry.Length;
        return key;
    }

    /// <summary>Finds a key by its text.</summary>
    /// <returns>The key, or -1.</returns>
    public int Find(ReadOnlySpan<byte> text) => _table.Find(text);

    /// <summary>Notes which key followed another.</summary>
    public void Learn(int previous, int key) => _entries[previous].Next = key;

    private struct Entry
    {
        /// <summary>The key with quotes and colon.</summary>
        public byte* Pattern;

        /// <summary>Its bytes; 0 when it cannot be predicted.</summary>
        public int Length;

        /// <summary>Which key followed last time.</summary>
        public int Next;
    }
}
