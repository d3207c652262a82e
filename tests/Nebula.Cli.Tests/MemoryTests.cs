using System.Globalization;
using System.Text;

namespace Nebula.Cli.Tests;

/// <summary>The real program under a memory limit: the most that it ever held, as the system counts it.</summary>
public sealed class MemoryTests : IDisposable
{
    private const int MB = 1_000_000;
    private readonly NebulaProcess _nebula = new();

    [LinuxFact]
    public async Task Memory_InputFarLargerThanTheLimit_StaysBelow()
    {
        var row = Encoding.UTF8.GetBytes("1234567,William Baker,\"a \"\"quoted\"\"\nnote, and more of it\",2024-02-29 12:34:56,81.06,true\n");
        var rows = 4096;
        var block = new byte[row.Length * rows];
        for (var i = 0; i < rows; i++)
            row.CopyTo(block, i * row.Length);
        var blocks = 400 * MB / block.Length;

        var (peak, read) = await _nebula.MeasureAsync(async input =>
        {
            await input.WriteAsync("id,name,note,at,score,active\n"u8.ToArray());
            for (var i = 0; i < blocks; i++)
                await input.WriteAsync(block);
        }, "pipeline", "csv", "json", "--source-path", "-", "--dest-path", "-", "--memory", "128MB");
        Assert.Equal((long)rows * blocks, read);
        Assert.InRange(peak, 1, 128 * MB);
    }

    [LinuxTheory]
    [InlineData("jsonl")]
    [InlineData("csv")]
    [InlineData("parquet")]
    [InlineData("avro")]
    [InlineData("arrow")]
    public async Task Memory_ValuesOf64MB_StaysBelow(string format)
    {
        await using (var file = new StreamWriter(_nebula.PathOf("giants.csv"), append: false, new UTF8Encoding(false)))
        {
            var value = new string('x', 64 << 20);
            await file.WriteAsync("id,body,tail\n");
            for (var i = 0; i < 3; i++)
            {
                await file.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"{i},"));
                await file.WriteAsync(value);
                await file.WriteAsync(",end\n");
            }
        }
        var (peak, read) = await _nebula.MeasureAsync(null, "pipeline", "giants.csv", $"out.{format}", "--memory", "256MB");
        Assert.Equal(3, read);
        Assert.InRange(peak, 1, 256 * MB);
    }

    [LinuxTheory]
    [InlineData("jsonl")]
    [InlineData("parquet")]
    public async Task Memory_FiveThousandColumns_StaysBelow(string format)
    {
        const int Columns = 5000;
        const int Rows = 3000;
        await using (var file = new StreamWriter(_nebula.PathOf("wide.csv"), append: false, new UTF8Encoding(false)))
        {
            await file.WriteAsync(string.Join(',', Enumerable.Range(0, Columns).Select(static i => $"c{i}")) + "\n");
            var cells = string.Join(',', Enumerable.Range(0, Columns).Select(static i => i % 3 == 0 ? $"text{i}" : $"{i * 7}"));
            for (var i = 0; i < Rows; i++)
                await file.WriteAsync(cells + "\n");
        }
        var (peak, read) = await _nebula.MeasureAsync(null, "pipeline", "wide.csv", $"wide.{format}", "--memory", "256MB");
        Assert.Equal(Rows, read);
        Assert.InRange(peak, 1, 256 * MB);
    }

    [LinuxTheory]
    [InlineData("json")]
    [InlineData("parquet")]
    [InlineData("orc")]
    public async Task Memory_RowsThatTakeNextToNothingAsStored_StaysBelow(string format)
    {
        const int Rows = 3_000_000;
        var row = Encoding.UTF8.GetBytes("status of the order is open,region north by north-west,carrier with a long name,2024-02-29 12:34:56,81.06,true\n");
        await using (var file = File.Create(_nebula.PathOf("same.csv")))
        {
            await file.WriteAsync("status,region,carrier,at,score,active\n"u8.ToArray());
            var rows = new byte[row.Length * 10_000];
            for (var i = 0; i < rows.Length; i += row.Length)
                row.CopyTo(rows, i);
            for (var i = 0; i < Rows; i += 10_000)
                await file.WriteAsync(rows);
        }
        Assert.Equal(0, _nebula.Run("pipeline", "same.csv", "same.parquet").ExitCode);
        Assert.InRange(new FileInfo(_nebula.PathOf("same.parquet")).Length, 1, MB);

        var (peak, read) = await _nebula.MeasureAsync(null, "pipeline", "parquet", format, "--source-path", "same.parquet", "--dest-path", "out", "--memory", "128MB");
        Assert.Equal(Rows, read);
        Assert.InRange(peak, 1, 128 * MB);
    }

    public void Dispose() => _nebula.Dispose();
}
