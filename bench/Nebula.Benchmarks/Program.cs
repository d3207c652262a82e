using Nebula.Benchmarks;

return args switch
{
    ["json", .. var rest] => JsonBenchmark.Run(rest),
    ["storage", var path] => StorageBenchmark.Run(path),
    ["allocation", var path] => AllocationBenchmark.Run(path),
    ["bit-packing"] => BitPackingBenchmark.Run(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        Usage: dotnet run -c Release --project bench/Nebula.Benchmarks -- <benchmark>

          json <folder>         reading and writing JSON of the benchmark kit's data: rows and bytes per second
          storage <users.csv>   holding records of the benchmark kit as rows and as columns: records per second and bytes per record
          allocation <csv>      moving a CSV file to JSON and to CSV: bytes of the managed heap per record
          bit-packing           packing integers with every packer this machine can run: values per second
        """);
    return 2;
}
