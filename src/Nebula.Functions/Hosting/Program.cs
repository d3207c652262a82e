using Nebula.Engine.Diagnostics;

namespace Nebula.Functions.Hosting;

/// <summary>The custom handler: started by the Functions host, or by the build to write the function folders.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        try
        {
            if (arguments is ["--write-functions", var directory])
            {
                FunctionList.Write(directory);
                return 0;
            }
            var settings = AppSettings.Read(Environment.GetEnvironmentVariable);
            Workers.LimitMemory(settings);
            return await FunctionsApp.RunAsync(settings, Workers.Make).ConfigureAwait(false);
        }
        catch (NebulaException e)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return FunctionsApp.Broken;
        }
    }
}
