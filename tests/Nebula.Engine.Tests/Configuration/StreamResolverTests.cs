using Nebula.Engine.Configuration;
using Nebula.Engine.Storage;

namespace Nebula.Engine.Tests.Configuration;

public sealed class StreamResolverTests : IDisposable
{
    private const string Ends = "source: { type: csv }\ntarget: { type: json }\n";

    private readonly PipelineFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private StreamResolver Resolver(string yaml, params ConfigOverride[] overrides) => new(_folder.Load(Ends + yaml, overrides));

    [Fact]
    public void Resolve_SeveralPatterns_LayerBySpecificity()
    {
        var resolver = Resolver("""
            storage: { mode: row }
            defaults: { limit: 1, on_error: { bad_rows: skip, max_bad_rows: 5 }, source_options: { a: d, b: d, c: d }, select: [x, y] }
            streams:
              public.orders: { limit: null, source_options: { a: exact }, columns: { id: int64 } }
              public.audit_*: { enabled: false }
              public.*: { limit: 2, source_options: { a: wide, b: wide, c: null }, select: [z], columns: { id: { name: key }, t: date } }
              "*": { limit: 3, storage: { mode: columnar } }
            """);
        var streams = resolver.Resolve(["other.a", "public.orders", "public.audit_log", "public.items"]);
        Assert.Equal(["other.a", "public.orders", "public.items"], streams.Select(stream => stream.Name));
        Assert.Equal([3, null, 2L], streams.Select(stream => stream.Limit));
        Assert.Equal(
            ["a=d b=d c=d", "a=exact b=wide", "a=wide b=wide"],
            streams.Select(stream => string.Join(
                ' ', stream.SourceOptions.OrderBy(option => option.Key).Select(option => $"{option.Key}={option.Value.Text}"))));
        Assert.All(streams, stream => Assert.Equal((5L, StorageMode.Columnar), (stream.MaxBadRows, stream.Storage.Mode)));
        Assert.Equal([1, 0], streams[0].Select.Apply(["y", "x", "z"]).ToArray()); // [x, y]
        Assert.Equal([2], streams[1].Select.Apply(["y", "x", "z"]).ToArray());
        Assert.Equal(("int64", "key"), (streams[1].Columns["id"].Type!.ToString(), streams[1].Columns["id"].Name));
        Assert.Equal(["public.orders", "public.*", "*"], resolver.Requested);
    }

    [Theory]
    [InlineData("a*", "a", true), InlineData("a*", "ba", false), InlineData("*", "", true), InlineData("a?c", "abc", true), InlineData("a?c", "ac", false)]
    [InlineData("*.csv", "x/y.csv", true), InlineData("*.csv", "x.csv.gz", false), InlineData("a*b*c", "a--b--b-c", true),
        InlineData("a*b*c", "a--c--b", false)]
    [InlineData("A", "a", false), InlineData("**", "x", true)]
    public void Matches_Pattern_Decides(string pattern, string name, bool expected) => Assert.Equal(expected, StreamPattern.Matches(pattern, name));

    [Fact]
    public void Matches_ManyStars_TakesNoExponentialTime() =>
        Assert.False(StreamPattern.Matches(string.Concat(Enumerable.Repeat("*a", 200)) + "b", new string('a', 5000)));

    [Fact]
    public void Resolve_NamesThatDoNotExist_AreAllReported() => Assert.Equal(
        ["4:3 The source has no stream 'public.ordres'. Did you mean 'public.orders'?", "5:3 The source has no stream 'zzz'."],
        _folder.Problems(() => Resolver("streams:\n  public.ordres: {}\n  zzz:\n  none*:\n  off: { enabled: false }").Resolve(["public.orders"])));

    [Fact]
    public void Resolve_NothingMatches_SaysWhatThereIs() => Assert.Equal(
        ["1:1 None of the source's 6 streams matches 'streams'. It has 'a1', 'a2', 'a3', 'a4', 'a5', …."],
        _folder.Problems(() => Resolver("streams: { 'b*': {} }").Resolve(["a1", "a2", "a3", "a4", "a5", "a6"])));

    [Fact]
    public void Resolve_OnlySome_TakesThoseAndRefusesUnknown()
    {
        var resolver = Resolver("");
        Assert.Equal(["a1", "b"], resolver.Resolve(["a1", "b", "c"], ["a*", "b"]).Select(stream => stream.Name));
        Assert.Equal(["1:1 The source has no stream 'zzz'."], _folder.Problems(() => resolver.Resolve(["a1", "b", "c"], ["b", "zzz"])));
    }

    [Fact]
    public void Resolve_SingleWithDifferentSettings_IsRefused()
    {
        var resolver = Resolver("streams:\n  'sales_*': { single: true, limit: 5 }\n  '*x': { limit: 6 }\n  '?????????????_*': { select: [a] }");
        Assert.Equal(["sales_*"], resolver.Resolve(["sales_1", "sales_x"]).Select(stream => stream.Name));
        var other = Resolver("streams:\n  'sales_*': { single: true }\n  '*x': { limit: 6 }");
        Assert.Equal(
            ["4:3 Everything that 'sales_*' matches is one stream, but other patterns give 'sales_x' other settings. Give it the same, or take it out."],
            _folder.Problems(() => other.Resolve(["sales_1", "sales_x"])));
    }

    [Fact]
    public void Resolve_ManyFilesOfOneStream_TakesLinearTime()
    {
        var names = Enumerable.Range(0, 100_000).Select(i => $"f{i}.csv").ToList();
        Assert.Equal(names.Count, Assert.Single(Resolver("defaults: { single: true }").Resolve(names)).Members.Length);
    }

    [Fact]
    public void CheckObjects_TwoStreamsInOnePlace_IsRefused()
    {
        var streams = Resolver("defaults:\n  object: out.csv").Resolve(["a", "b"]);
        Assert.Equal(
            ["4:11 The streams 'a' and 'b' would both be written to 'out.csv'. Put {stream_name} into 'object', or make them one stream with 'single: true'."],
            _folder.Problems(() => StreamResolver.CheckObjects(streams, [.. streams.Select(stream => stream.Object!.Text)])));
        StreamResolver.CheckObjects(streams, [.. streams.Select(stream => stream.Name)]);
    }

    [Theory]
    [InlineData("{}", null, null)]
    [InlineData("{ spool: ./big }", "./big", null)]
    [InlineData("{ spool: { path: ./big, max_size: 20GB } }", "./big", 20_000_000_000L)]
    [InlineData("{ spool: { max_size: 0B } }", null, 0L)]
    public void Resolve_Spool_IsWhereLargeTransactionsWait(string capture, string? path, long? size)
    {
        var settings = Resolver($"defaults: {{ mode: cdc, cdc: {capture} }}").Find("a")!.Capture;
        Assert.Equal((path, size), (settings.SpoolPath, settings.SpoolSize));
    }

    [Theory]
    [InlineData("{}", false)]
    [InlineData("{ failover: true }", true)]
    public void Resolve_Failover_IsOffUnlessItIsSet(string capture, bool isFailover) =>
        Assert.Equal(isFailover, Resolver($"defaults: {{ mode: cdc, cdc: {capture} }}").Find("a")!.Capture.IsFailover);

    [Fact]
    public void Explain_Stream_GivesEveryValueWithItsOrigin()
    {
        var stream = Resolver(
            "performance: { workers: 2 }\ndefaults:\n  limit: 7\n  target_options: { password: hidden }\nstreams:\n  a*:\n    columns: { password:"
                + " int64 }\n    select: ['*', -b]",
            new ConfigOverride("storage.mode", "row", "--storage")).Find("ab")!;
        var settings = stream.Explain().Select(setting => $"{setting.Path}={setting.Value}"
            + $" ({(setting.Origin is { } at ? at.Line > 0 ? $"{at.Line}" : at.Name : "built in")})").ToList();
        Assert.Equal(
            ["enabled=true (built in)", "mode=full-refresh (built in)",
             .. from key in (string[])["write", "primary_key", "update_key", "lookback", "where", "sql", "cdc.slot",
                 "cdc.publication"] select $"{key}=(automatic) (built in)",
             "cdc.deletes=soft (built in)", "cdc.on_position_lost=fail (built in)", "cdc.heartbeat=30s (built in)", "cdc.failover=false (built in)",
                 "cdc.spool.path=(automatic) (built in)", "cdc.spool.max_size=(automatic) (built in)", "object=(automatic) (built in)",
                 "single=false (built in)",
                "target_options.password=*** (6)", "select=[*, -b] (10)",
             "columns.password.type=int64 (9)", "limit=7 (5)", "schema.lossy=refuse (built in)", "schema.tables=evolve (built in)",
                 "schema.columns=evolve (built in)",
             "schema.types=widen (built in)", "schema.on_drop=keep (built in)", "on_error.bad_rows=fail (built in)",
                 "on_error.max_bad_rows=(automatic) (built in)",
                 "on_error.quarantine_path=(automatic) (built in)",
             "performance.batch_size=(automatic) (built in)", "performance.workers=2 (3)", "performance.max_concurrency=(automatic) (built in)",
                 "performance.flush_interval=10s (built in)",
             "storage.mode=row (--storage)",
             "chunking.target_size=(automatic) (built in)", "verify=count (built in)"],
            settings);
    }

    [Theory]
    [InlineData("['*']", "0,1,2,3"), InlineData("[c, '*', a]", "2,1,3,0"), InlineData("[-b]", "0,2,3"), InlineData("['*', -a, -d]", "1,2"),
        InlineData("[d, a]", "3,0"), InlineData("b", "1")]
    [InlineData("[a, -b]", "0")]
    public void Select_Columns_GivesPositions(string select, string expected) =>
        Assert.Equal(expected, string.Join(',', Resolver($"defaults: {{ select: {select} }}").Find("x")!.Select.Apply(["a", "b", "c", "d"])));

    [Fact]
    public void Select_UnknownColumns_AreAllReported()
    {
        var selection = Resolver("defaults: { select: [custmer_id, -nothing_like_it, a] }").Find("x")!.Select;
        Assert.Equal(["3:22 The stream has no column 'custmer_id'. Did you mean 'customer_id'?", "3:34 The stream has no column 'nothing_like_it'."],
            _folder.Problems(() => selection.Apply(["customer_id", "a"])));
        Assert.Equal(["3:22 'select' leaves no column of the stream."],
            _folder.Problems(() => Resolver("defaults: { select: [-a] }").Find("x")!.Select.Apply(["a"])));
    }
}
