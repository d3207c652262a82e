using Nebula.Benchmarks;

if (args is ["json", .. var rest])
    return JsonBenchmark.Run(rest);
Console.Error.WriteLine("usage: Nebula.Benchmarks json [folder with users_100K.csv, orders_100K.csv, events_10K.jsonl]");
return 2;
