using System.Globalization;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration;

/// <summary>The rules for ids of instances: those of the Durable Task storage, so that every id works with every host.</summary>
public static class InstanceIds
{
    private const int MaxLength = 256;

    /// <summary>Refuses an id that some host cannot keep.</summary>
    /// <param name="instanceId">The id.</param>
    /// <exception cref="NebulaException">The id cannot be used; the message says why.</exception>
    public static void Check(string instanceId)
    {
        var problem = instanceId.Length is 0 or > MaxLength ? $"it must have 1 to {MaxLength} characters"
            : instanceId[0] == '@' ? "it must not begin with '@'"
            : instanceId.AsSpan().IndexOfAny("/\\#?") is >= 0 and var at ? $"it must not contain '{instanceId[at]}'"
            : instanceId.Any(char.IsControl) ? "it must not contain control characters"
            : null;
        if (problem is not null)
            throw NebulaException.Configuration($"'{instanceId}' cannot be the id of a run: {problem}.");
    }

    /// <summary>The id of an instance that another one starts.</summary>
    internal static string OfChild(string executionId, int action) => string.Create(CultureInfo.InvariantCulture, $"{executionId}:{action:x}");
}
