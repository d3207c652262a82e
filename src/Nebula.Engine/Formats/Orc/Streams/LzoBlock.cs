using Nebula.Engine.Compression;

namespace Nebula.Engine.Formats.Orc.Streams;

/// <summary>Decompresses LZO1X, which only old files of Hive use. Nothing else in the house knows it, so it lives here.</summary>
internal static class LzoBlock
{
    private const int ShortDistanceBase = 0x800;
    private const int FarDistanceBase = 0x4000;

    /// <summary>Decompresses.</summary>
    /// <param name="source">One block.</param>
    /// <param name="target">Where its content goes.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="Diagnostics.DataFormatException">The block is corrupt, or its content longer than <paramref name="target"/>.</exception>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        try
        {
            return new Decoder { Input = source, Output = target }.Run();
        }
        catch (CompressionFault fault)
        {
            throw fault.ToDataFormatException("lzo", 0);
        }
    }

    private ref struct Decoder
    {
        public ReadOnlySpan<byte> Input;
        public Span<byte> Output;
        private int _in;
        private int _out;

        public int Run()
        {
            if (Input.IsEmpty)
                return 0;
            // How many literals the instruction before ended with decides what an instruction below 16 means: none (a run of literals follows),
            // 1 to 3 (a near match), or a whole run (a match beyond 2 KB).
            var state = 0;
            if (Input[0] > 17)
            {
                var count = Next() - 17;
                CopyLiterals(count);
                state = Math.Min(count, 4);
            }
            while (true)
            {
                var instruction = Next();
                int length;
                int distance;
                int trailing;
                switch (instruction)
                {
                    case < 16 when state == 0:
                        CopyLiterals(instruction == 0 ? LongLength(15) + 3 : instruction + 3);
                        state = 4;
                        continue;
                    case < 16:
                        trailing = instruction & 3;
                        distance = (instruction >> 2) + (Next() << 2) + 1 + (state == 4 ? ShortDistanceBase : 0);
                        length = state == 4 ? 3 : 2;
                        break;
                    case < 32:
                        length = (instruction & 7) == 0 ? LongLength(7) + 2 : (instruction & 7) + 2;
                        var far = NextUInt16();
                        trailing = far & 3;
                        distance = FarDistanceBase + ((instruction & 8) << 11) + (far >> 2);
                        if (distance == FarDistanceBase)
                            return _out;
                        break;
                    case < 64:
                        length = (instruction & 31) == 0 ? LongLength(31) + 2 : (instruction & 31) + 2;
                        var near = NextUInt16();
                        trailing = near & 3;
                        distance = (near >> 2) + 1;
                        break;
                    default:
                        length = (instruction >> 5) + 1;
                        trailing = instruction & 3;
                        distance = ((instruction >> 2) & 7) + (Next() << 3) + 1;
                        break;
                }
                CopyMatch(distance, length);
                CopyLiterals(trailing);
                state = trailing;
            }
        }

        private int Next() => _in < Input.Length ? Input[_in++] : throw new CompressionFault("it ends too early", _in);

        private int NextUInt16() => Next() | Next() << 8;

        private int LongLength(int start)
        {
            var length = start;
            int value;
            while ((value = Next()) == 0)
            {
                length += 255;
                if (length > Output.Length)
                    throw new CompressionFault($"it holds more than the {Output.Length} bytes there may be", _in);
            }
            return length + value;
        }

        private void CopyLiterals(int count)
        {
            if (count > Input.Length - _in)
                throw new CompressionFault("it ends too early", _in);
            if (count > Output.Length - _out)
                throw new CompressionFault($"it holds more than the {Output.Length} bytes there may be", _in);
            Input.Slice(_in, count).CopyTo(Output[_out..]);
            _in += count;
            _out += count;
        }

        private void CopyMatch(int distance, int length)
        {
            if (distance > _out)
                throw new CompressionFault($"a match begins {distance} bytes back, where there is no data", _in);
            if (length > Output.Length - _out)
                throw new CompressionFault($"it holds more than the {Output.Length} bytes there may be", _in);
            for (var end = _out + length; _out < end; _out++)
                Output[_out] = Output[_out - distance];
        }
    }
}
