using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Compression;

/// <summary>Input that nobody meant to write.</summary>
internal static class Fuzz
{
    /// <summary>Changes bytes here and there: overwritten, removed, doubled, moved.</summary>
    public static byte[] Mutate(byte[] file, Random random)
    {
        var bytes = file.ToList();
        for (var changes = random.Next(1, 6); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count + 1);
            var count = Math.Min(random.Next(1, 9), bytes.Count - at);
            switch (random.Next(5))
            {
                case 0 when count > 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when count > 0:
                    bytes[at] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    break;
                case 2:
                    bytes.RemoveRange(at, count);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(random.Next(bytes.Count - count + 1), count));
                    break;
                default:
                    bytes.InsertRange(at, Enumerable.Range(0, random.Next(4)).Select(_ => (byte)random.Next(256)));
                    break;
            }
        }
        return [.. bytes];
    }

    /// <summary>Reads to the end or the first error, and at most 32 MB.</summary>
    public static long Read(CompressionCodec codec, byte[] file, BufferPool pool)
    {
        using var stream = codec.OpenRead(new MemoryStream(file), "fuzz", leaveOpen: false, pool);
        var buffer = new byte[1 << 16];
        var total = 0L;
        try
        {
            int read;
            while (total < 32 << 20 && (read = stream.Read(buffer.AsSpan())) > 0)
                total += read;
            return total;
        }
        catch (DataFormatException)
        {
            return -1;
        }
    }
}
