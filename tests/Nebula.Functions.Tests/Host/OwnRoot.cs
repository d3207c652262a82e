using System.Diagnostics;

namespace Nebula.Functions.Tests.Host;

/// <summary>
/// What a container is to a process: a root with the program, the libraries that the image has, and the files that it shall work with; a process table and
/// mounts of its own. The published file where there is one, else the program as it was built, with the runtime.
/// </summary>
internal static class OwnRoot
{
    /// <summary>Why there can be none; null when there can.</summary>
    public static string? Obstacle { get; } = !OperatingSystem.IsLinux() ? "only Linux has roots of their own for processes"
        : Run("unshare", "--mount", "--pid", "--fork", "chroot", "/", "true") is { Code: not 0 } failed ? $"no right to make a root: {failed.Said.Trim()}"
            : null;

    /// <summary>Runs the command in a root of its own.</summary>
    /// <param name="folder">What is <c>/data</c> in it.</param>
    /// <param name="arguments">Arguments of the command.</param>
    /// <returns>The exit code, and what it said.</returns>
    public static (int Code, string Said) RunNebula(string folder, params string[] arguments)
    {
        // mounts end with the process, so that nothing is left to be undone
        const string Script = """
            set -e
            root=$1 folder=$2 program=$3 runtime=$4; shift 4
            mount -t tmpfs tmpfs "$root"
            mkdir -p "$root/data" "$root/proc" "$root/tmp" "$root/app" "$root/dotnet" "$root/dev"
            mount --bind "$folder" "$root/data"
            mount -t proc proc "$root/proc"
            for device in null zero random urandom; do
              : > "$root/dev/$device"
              mount --bind "/dev/$device" "$root/dev/$device"
            done
            if [ -n "$runtime" ]; then
              mount --bind "$(dirname "$program")" "$root/app"
              mount --bind "$runtime" "$root/dotnet"
            else
              cp "$program" "$root/app/nebula"
            fi
            libraries() { ldd "$1" 2>/dev/null | sed -n 's/^.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'; }
            # found by name when they are needed, as the image has them
            named=$(ldconfig -p | sed -n 's/^[[:space:]]*lib\(ssl\|crypto\|zstd\)\.so\.[0-9]* .*=> //p')
            for binary in "$program" $named ${runtime:+$(find "$runtime" -name '*.so')}; do
              libraries "$binary"
            done | cat - <(printf '%s\n' $named) | sort -u | while read -r library; do
              case $library in "$runtime"/*) [ -z "$runtime" ] || continue ;; esac
              mkdir -p "$root$(dirname "$library")"
              cp -L "$library" "$root$library"
            done
            cd "$root/data"
            export DOTNET_ROOT=/dotnet HOME=/tmp
            exec chroot "$root" /app/nebula "$@"
            """;
        var root = Directory.CreateTempSubdirectory("nebula-root-").FullName;
        try
        {
            var (program, runtime) = Program();
            return Run("unshare",
                ["--mount", "--propagation", "private", "--pid", "--fork", "bash", "-c", Script, "sh", root, folder, program, runtime, .. arguments]);
        }
        finally
        {
            Directory.Delete(root);
        }
    }

    private static (string Program, string Runtime) Program()
    {
        var published = Path.Combine(Repository.Folder, "artifacts", "publish", "linux-x64", "nebula");
        return File.Exists(published) ? (published, "")
            : (Path.Combine(AppContext.BaseDirectory, "nebula"),
                Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..")));
    }

    private static (int Code, string Said) Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output.GetAwaiter().GetResult() + errors);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (-1, e.Message);
        }
    }
}

/// <summary>A fact that needs a root of its own for a process, and is counted as skipped without the right to make one.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OwnRootFactAttribute : FactAttribute
{
    public OwnRootFactAttribute()
    {
        if (OwnRoot.Obstacle is { } obstacle)
            Skip = obstacle;
    }
}
