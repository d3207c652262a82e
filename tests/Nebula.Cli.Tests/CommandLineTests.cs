namespace Nebula.Cli.Tests;

/// <summary>Commands, flags, help, and command lines that are wrong.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly NebulaProcess _nebula = new();

    public static string[] Names =>
        ["pipeline", "run", "validate", "discover", "preview", "check", "runs", "state", "verify", "list", "schema", "version", "completion"];

    public static TheoryData<string> Commands => [.. Names];

    public static TheoryData<string, string> WrongCommandLines => new()
    {
        { "pipelin", "error: There is no command 'pipelin'. Did you mean 'pipeline'? See 'nebula --help'." },
        { "frobnicate", "error: There is no command 'frobnicate'. See 'nebula --help'." },
        { "pipeline csv json --source-pth x",
            "error: 'nebula pipeline' has no flag '--source-pth'. Did you mean '--source-path'? See 'nebula pipeline --help'." },
        { "run --hlp", "error: 'nebula run' has no flag '--hlp'. Did you mean '--help'? See 'nebula run --help'." },
        { "preview --lmit 3", "error: 'nebula preview' has no flag '--lmit'. Did you mean '--limit'? See 'nebula preview --help'." },
        { "run -- --hlp", "error: The file does not exist.\n  at --hlp" },
        { "run a.yaml b.yaml", "error: 'nebula run' does not know what to do with 'b.yaml'. See 'nebula run --help'." },
        { "run", "error: Which pipeline? Give a file (nebula run pipeline.yaml), or --source and --destination." },
        { "run --source a.json", "error: --source and --destination go together." },
        { "run a.yaml --source b.json --destination c.json", "error: Give either a pipeline file, or --source and --destination." },
        { "pipeline cvs json",
            "error: There is no connector 'cvs'. Did you mean 'csv'? 'nebula list' shows all. A path in its place needs a dot or a slash in it." },
        { "pipeline csv json", "error: The source 'csv' needs a path: --source-path PATH." },
        { "pipeline csv json --source-path a.csv", "error: The target 'json' needs a path: --dest-path PATH." },
        { "pipeline a.csv b.csv --limit many", "error: --limit must be a whole number, at least 0, or none; it is 'many'.\n  at --limit" },
        { "pipeline a.csv b.csv --workers 0", "error: --workers must be a whole number from 1 to 1024; it is '0'.\n  at --workers" },
        { "pipeline a.csv b.csv --memory 64", "error: --memory must be a size with a unit, such as 64MB, or none; it is '64'.\n  at --memory" },
        { "pipeline a.csv b.csv --memory 10MB", "error: 10.0 MB of memory are too few; the least is 96.0 MB." },
        { "pipeline a.csv b.csv --timeout 5", "error: --timeout must be a duration with a unit, such as 30s, or none; it is '5'.\n  at --timeout" },
        { "pipeline a.csv b.csv --bad-rows ignore", "error: --bad-rows must be one of fail, skip, quarantine; it is 'ignore'.\n  at --bad-rows" },
        { "pipeline a.csv b.csv --output xml", "error: --output must be one of text, json; it is 'xml'." },
        { "pipeline a.csv b.csv --log-level loud", "error: --log-level must be one of debug, info, warn, error; it is 'loud'." },
        { "pipeline a.csv b.csv --set delimiter=;",
            "error: --set delimiter: source and target both know 'delimiter'. Write source.delimiter or target.delimiter." },
        { "pipeline a.csv b.csv --set delimiter", "error: --set needs KEY=VALUE; it is 'delimiter'." },
        { "pipeline a.csv b.csv --set source.delimeter=;",
            "error: source \"file\" has no option 'delimeter'. Did you mean 'delimiter'?\n  at --set source.delimeter" },
        { "list cvs", "error: There is no connector 'cvs'. Did you mean 'csv'? 'nebula list' shows all." },
        { "schema conf", "error: The schema must be one of config, run-summary; it is 'conf'." },
        { "completion tcsh", "error: The shell must be one of bash, zsh, fish, pwsh; it is 'tcsh'." },
        { "preview a.csv --limit 0", "error: --limit must be a whole number of at least 1; it is '0'." },
        { "verify", "error: 'nebula verify' needs <run>: The run, as 'nebula runs' shows it, or last. See 'nebula verify --help'." },
        { "pipeline a.csv", "error: 'nebula pipeline' needs <destination>: A connector, or the path of a file. See 'nebula pipeline --help'." },
        { "pipeline a.csv b.csv --format array",
            "error: --format array writes JSON, but by its name 'b.csv' is csv. Call it 'b.json', leave out --format, or add --to json to have JSON under "
            + "that name." },
        { "validate missing.yaml", "error: The file does not exist.\n  at missing.yaml" },
    };

    [Theory, InlineData("version"), InlineData("--version")]
    public void Version_Asked_IsTold(string asked)
    {
        var outcome = _nebula.Run(asked);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches(@"^nebula \d+\.\d+\.\d+ \([a-z0-9-]+, \.NET \d+", outcome.Output);
        Assert.Empty(outcome.Errors);
    }

    [Theory, InlineData("preview"), InlineData("discover"), InlineData("check")]
    public void View_PathThatSaysNoFormat_TakesTheFlag(string command)
    {
        _nebula.Write("landed", "id\n1\n");
        var refused = _nebula.Run(command, "landed");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("cannot be told from its name. Set 'format' (on the command line --from)", refused.Output + refused.Errors, StringComparison.Ordinal);
        Assert.Equal(0, _nebula.Run(command, "landed", "--from", "csv").ExitCode);
        _nebula.Write("p.yaml", "source: { type: csv, path: landed }\ntarget: { type: csv, path: out.csv }\n");
        Assert.Equal("error: 'p.yaml' is a pipeline file, which says that itself: leave out --from, or set what the file has with --set "
            + "(--set source.path=…).", _nebula.Run(command, "p.yaml", "--from", "csv").ErrorLines);
    }

    [Fact]
    public void Pipeline_FormatUnderAnotherName_IsWrittenWhereThatIsSaid()
    {
        _nebula.Write("a.csv", "id\n1\n");
        Assert.Equal(0, _nebula.Run("pipeline", "a.csv", "b.csv", "--format", "lines", "--to", "json", "--quiet").ExitCode);
        Assert.Equal("{\"id\":1}\n", _nebula.Read("b.csv"));
    }

    [Fact]
    public void Pipeline_SourceThatExistsUnderAWord_IsAPath()
    {
        _nebula.Write("landing/a.csv", "id\n1\n");
        var outcome = _nebula.Run("pipeline", "landing", "-", "--to", "json", "--quiet");
        Assert.Equal("{\"id\":1}\n", outcome.Output);
        Assert.Equal(2, _nebula.Run("pipeline", "landed", "-", "--to", "json").ExitCode);
    }

    [Theory]
    [InlineData("source.null_markers=,NULL")]
    [InlineData("source.null_markers=['', \"NULL\"]")]
    public void Pipeline_SetList_TakesItWithAndWithoutBrackets(string setting)
    {
        _nebula.Write("a.csv", "id,v\n1,NULL\n2,\n");
        Assert.Equal("{\"id\":1,\"v\":null}\n{\"id\":2,\"v\":null}\n",
            _nebula.Run("pipeline", "a.csv", "-", "--to", "json", "--quiet", "--set", setting).Output);
    }

    [Fact]
    public void Runs_AsJson_AreAnArray()
    {
        _nebula.Write("a.csv", "id\n1\n");
        _nebula.Write("p.yaml", "version: 1\nsource: { type: csv, path: a.csv }\ntarget: { type: json, path: out/ }\n");
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "--quiet").ExitCode);
        using var runs = System.Text.Json.JsonDocument.Parse(_nebula.Run("runs", "p.yaml", "--output", "json").Output);
        var run = Assert.Single(runs.RootElement.EnumerateArray());
        Assert.Equal("completed", run.GetProperty("state").GetString());
        Assert.Equal(1, run.GetProperty("rows").GetInt64());
        Assert.Equal(1, run.GetProperty("streams").GetInt64());
        Assert.Equal(DateTimeKind.Utc, run.GetProperty("started_at").GetDateTime().Kind);
    }

    [Fact]
    public void Discover_Dialect_IsReadable()
    {
        _nebula.Write("a.csv", "id;v\n1;2\n");
        var lines = _nebula.Run("discover", "a.csv").Output.Split('\n');
        Assert.Equal("a.csv: 2 columns, 9 B", lines[0]);
        Assert.Contains("delimiter: ';'; ", lines[1], StringComparison.Ordinal);
        Assert.Contains("null_markers: ''; ", lines[1], StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Commands))]
    public void Help_OfEachCommand_HasExamples(string command)
    {
        var outcome = _nebula.Run(command, "--help");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("Examples:\n  ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains($"nebula {command}", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void NoArguments_ShowTheCommands()
    {
        var outcome = _nebula.Run();
        Assert.Equal(0, outcome.ExitCode);
        foreach (var command in Names)
            Assert.Contains($"\n  {command} ", outcome.Output, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(WrongCommandLines))]
    public void WrongCommandLine_SaysWhatToWrite(string arguments, string message)
    {
        var outcome = _nebula.Run(arguments.Split(' '));
        Assert.Equal(message, outcome.ErrorLines);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Empty(outcome.Output);
    }

    [Fact]
    public void List_WithoutName_ShowsConnectors_WithName_ItsOptions()
    {
        Assert.Contains("\ncsv, tsv", _nebula.Run("list").Output, StringComparison.Ordinal);
        var options = _nebula.Run("list", "csv").Output;
        Assert.Contains("As source:", options, StringComparison.Ordinal);
        Assert.Contains("null_markers", options, StringComparison.Ordinal);
        Assert.Contains("line_end", options, StringComparison.Ordinal);
        Assert.Contains("json", _nebula.Run("list", "formats").Output, StringComparison.Ordinal);
        Assert.Contains("none", _nebula.Run("list", "codecs").Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash", "bash -n")]
    [InlineData("zsh", null)]
    [InlineData("fish", null)]
    [InlineData("pwsh", null)]
    public async Task Completion_OfEachShell_NamesCommandsAndFlags(string shell, string? check)
    {
        var outcome = _nebula.Run("completion", shell);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("pipeline", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("--source-path", outcome.Output, StringComparison.Ordinal);
        if (check is null || OperatingSystem.IsWindows())
            return;
        _nebula.Write("completion", outcome.Output);
        Assert.Equal(0, (await _nebula.ShellAsync($"{check} completion")).ExitCode);
    }

    [Fact]
    public async Task Completion_InBash_CompletesAFlag()
    {
        if (OperatingSystem.IsWindows() || !File.Exists("/bin/bash"))
            return;
        var script =
            """bash -c 'source <("$NEBULA" completion bash); COMP_WORDS=(nebula pipeline --source-p); COMP_CWORD=2; _nebula; echo "${COMPREPLY[*]}"'""";
        Assert.Equal("--source-path\n", (await _nebula.ShellAsync(script)).Output);
    }

    public void Dispose() => _nebula.Dispose();
}
