using System.Reflection;
using System.Runtime.ExceptionServices;
using Nebula.Connectors.ObjectStores;

namespace Nebula.Connectors.Tests;

/// <summary>A store in which something happens before a method is called for the first time.</summary>
public class GatedStore : DispatchProxy
{
    private object _store = null!;
    private string _method = "";
    private Action? _gate;

    /// <summary>Puts a gate before a method.</summary>
    /// <param name="store">The store.</param>
    /// <param name="method">Name of the method.</param>
    /// <param name="gate">What happens before its first call.</param>
    internal static IObjectStore Over(IObjectStore store, string method, Action gate)
    {
        var proxy = Create<IObjectStore, GatedStore>();
        var gated = (GatedStore)(object)proxy;
        (gated._store, gated._method, gated._gate) = (store, method, gate);
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == _method)
            Interlocked.Exchange(ref _gate, null)?.Invoke();
        try
        {
            return targetMethod.Invoke(_store, args);
        }
        catch (TargetInvocationException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerException!);
            throw;
        }
    }
}
