using System.Collections.Concurrent;
using System.Reflection;
using Xunit.Sdk;

namespace Nebula.PostgreSql.Tests.Server;

/// <summary>The servers that tests share, each started when it is first asked for.</summary>
public sealed class Servers : IDisposable
{
    private readonly ConcurrentDictionary<int, Lazy<PostgreSqlServer>> _servers = new();

    internal PostgreSqlServer this[int version] =>
        _servers.GetOrAdd(version, static version => new Lazy<PostgreSqlServer>(() => PostgreSqlServer.Start(version))).Value;

    public void Dispose()
    {
        foreach (var server in _servers.Values)
            if (server.IsValueCreated)
                server.Value.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class ServersCollection : ICollectionFixture<Servers>
{
    public const string Name = "servers";
}

/// <summary>Runs a theory against a version of PostgreSQL; skips it where that is not installed.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class ServerAttribute : DataAttribute
{
    private readonly int _version;

    public ServerAttribute(int version)
    {
        _version = version;
        if (PostgreSqlServer.Find(version) is null)
            Skip = version == 18 ? "PostgreSQL 18 is not installed: run npm ci in tests/postgres."
                : $"PostgreSQL {version} is not installed: it is Debian's package postgresql-{version}.";
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[_version]];
}
