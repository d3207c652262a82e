using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text;
using Nebula.Cli.Output;
using Nebula.Cli.Running;

namespace Nebula.Cli;

/// <summary>The <c>nebula</c> command.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        // before all else: it is to be ahead of what the run needs. Native code has nothing to load
        if (RuntimeFeature.IsDynamicCodeCompiled && arguments is ["pipeline" or "run", _, ..])
            Rehearsal.Start(keepsAccount: arguments[0] == "run");
        using var interruption = new Interruption();
        // not disposed: what cannot be written would be tried again
        var output = new StreamWriter(StandardStream.OpenOutput(), new UTF8Encoding(false));
        var context = new CommandContext(Terminal.OfProcess(), output, interruption.Token);
        var code = Try(context, () => Run(arguments, context));
        var written = Try(context, () =>
        {
            output.Flush();
            return ExitCode.Success;
        });
        return code != ExitCode.Success ? code : written;
    }

    private static int Try(CommandContext context, Func<int> what)
    {
        try
        {
            return what();
        }
        catch (Exception e)
        {
            var code = ExitCode.Of(e);
            if (code != ExitCode.Success)
                ErrorText.Write(context.Terminal, context.Log, e);
            return code;
        }
    }

    private static int Run(string[] arguments, CommandContext context)
    {
        var root = new NebulaRoot(context, arguments.Length > 0 ? arguments[0] : null);
        var parsed = root.Parse(arguments);
        root.Apply(parsed, context);
        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = context.Output });
    }
}
