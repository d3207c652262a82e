// Lists what the ahead-of-time compiler does not find by itself, in the form in which it takes profiles (.mibc).
//   dotnet run --file scripts/precompile.cs -- FOLDER TARGET    FOLDER holds our assemblies; TARGET is written
// An asynchronous method whose result is an object runs in a box whose type is put together at run time only. Left to that, each such method costs five to
// seven small compilations at its first call.
// The form: an assembly with a method AssemblyDictionary, which names for each group of assemblies the method that loads the tokens of what is to be compiled
// (dotnet/runtime, src/coreclr/tools/aot/ILCompiler.ReadyToRun/IBC/MIbcProfileParser.cs).
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

const BindingFlags All = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
var (folder, target) = (Path.GetFullPath(args[0]), args[1]);
var box = typeof(AsyncTaskMethodBuilder<>).GetNestedType("AsyncStateMachineBox`1", BindingFlags.NonPublic)
    ?? throw new InvalidOperationException("This version of .NET runs asynchronous methods in something else than AsyncStateMachineBox: adapt scripts/precompile.cs to it.");
var output = new PersistedAssemblyBuilder(new AssemblyName("precompiled"), typeof(object).Assembly);
var module = output.DefineDynamicModule("precompiled");
var dictionary = Method("AssemblyDictionary");
var count = 0;
foreach (var path in Directory.GetFiles(folder, "Nebula.*.dll").Append(Path.Combine(folder, "nebula.dll")).Order(StringComparer.Ordinal))
{
    var assembly = Assembly.LoadFrom(path);
    var name = assembly.GetName().Name!;
    var group = Method($"Of{name}");
    foreach (var machine in assembly.GetTypes().Where(static type => type.IsValueType && type.IsAssignableTo(typeof(IAsyncStateMachine))))
        if (OverObjects(machine) is { } closed && ResultOf(closed) is { IsValueType: false } result)
            foreach (var member in box.MakeGenericType(result, closed).GetMembers(All).OfType<MethodBase>())
            {
                Load(group, member);
                count++;
            }
    group.GetILGenerator().Emit(OpCodes.Ret);
    dictionary.GetILGenerator().Emit(OpCodes.Ldstr, $"System.Private.CoreLib;{name};");
    Load(dictionary, group);
}
dictionary.GetILGenerator().Emit(OpCodes.Ret);
module.CreateGlobalFunctions();
output.Save(target);
Console.WriteLine($"{count} methods in {target}");

MethodBuilder Method(string name) => module.DefineGlobalMethod(name, MethodAttributes.Public | MethodAttributes.Static, null, null);

void Load(MethodBuilder into, MethodBase method)
{
    var code = into.GetILGenerator();
    if (method is ConstructorInfo constructor)
        code.Emit(OpCodes.Ldtoken, module.GetMethodMetadataToken(constructor));
    else
        code.Emit(OpCodes.Ldtoken, (MethodInfo)method);
    code.Emit(OpCodes.Pop);
}

// code for one type of objects is code for all of them
static Type? OverObjects(Type machine)
{
    try
    {
        return machine.IsGenericTypeDefinition ? machine.MakeGenericType([.. machine.GetGenericArguments().Select(static _ => typeof(object))]) : machine;
    }
    catch (ArgumentException)
    {
        // its constraints ask for more than an object
        return null;
    }
}

static Type? ResultOf(Type machine) =>
    machine.GetField("<>t__builder", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)?.FieldType is { IsGenericType: true } builder
    && (builder.GetGenericTypeDefinition() == typeof(AsyncTaskMethodBuilder<>) || builder.GetGenericTypeDefinition() == typeof(AsyncValueTaskMethodBuilder<>))
        ? builder.GetGenericArguments()[0] : null;
