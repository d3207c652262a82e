using System.Text;
using Nebula.Engine.Configuration;

namespace Nebula.Orchestration.Planning;

/// <summary>Stands for the settings of a run. Secrets have no part in it: a new password does not make another run.</summary>
internal static class RunFingerprint
{
    /// <summary>Computes it.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="streams">The streams of the run.</param>
    public static string Of(PipelineConfig pipeline, IEnumerable<StreamConfig> streams)
    {
        var text = new StringBuilder();
        foreach (var connection in (ConnectionConfig[])[pipeline.Source, pipeline.Target])
        {
            text.Append(connection.Type).Append('\n');
            string[] names = [.. connection.Options.Keys];
            Array.Sort(names, StringComparer.Ordinal);
            foreach (var name in names)
                if (!Secrets.IsSecretKey(name))
                    text.Append(name).Append('=').AppendJoin('\0', connection.Options[name].Items).Append('\n');
        }
        foreach (var stream in streams)
        {
            text.Append('[').Append(stream.Name).Append("]\n");
            // what is recorded has no effect on what is written
            foreach (var setting in stream.Explain().Where(static setting => setting.Path != "verify"))
                text.Append(setting.Path).Append('=').Append(setting.Value).Append('\n');
        }
        return Hash128.Of(Encoding.UTF8.GetBytes(text.ToString())).ToString();
    }
}
