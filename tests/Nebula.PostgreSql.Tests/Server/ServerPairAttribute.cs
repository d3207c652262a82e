using System.Reflection;
using Xunit.Sdk;

namespace Nebula.PostgreSql.Tests.Server;

/// <summary>Runs a theory with a source on one version of PostgreSQL and a target on another; skips it where one is not installed.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class ServerPairAttribute : DataAttribute
{
    private readonly int _source;
    private readonly int _target;

    public ServerPairAttribute(int source, int target)
    {
        (_source, _target) = (source, target);
        Skip = new ServerAttribute(source).Skip ?? new ServerAttribute(target).Skip;
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[_source, _target]];
}
