using Nebula.Benchmarks;

if (args is ["json", .. var rest])
    return JsonBenchmark.Run(rest);
Console.Error.WriteLine("usage: Nebula.Benchmarks json <folder>");
return 2;
