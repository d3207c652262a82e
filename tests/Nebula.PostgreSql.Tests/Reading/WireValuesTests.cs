using System.Buffers.Binary;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;

namespace Nebula.PostgreSql.Tests.Reading;

public sealed class WireValuesTests
{
    private const long Microseconds2000 = 946_684_800_000_000;

    public static TheoryData<string, string> Values => new()
    {
        { nameof(PostgreSqlWire.Numeric), "0001000000000000 0007" },
        { nameof(PostgreSqlWire.Numeric), "0001000040000000 0007" },
        { nameof(PostgreSqlWire.Numeric), "00000000C0000000" },
        { nameof(PostgreSqlWire.Numeric), "00000000D0000020" },
        { nameof(PostgreSqlWire.Numeric), "00000000F0000020" },
        { nameof(PostgreSqlWire.Date), "00000000" },
        { nameof(PostgreSqlWire.Date), "7FFFFFFF" },
        { nameof(PostgreSqlWire.Date), "80000000" },
        { nameof(PostgreSqlWire.Time), "000000141DD75FFF" },
        { nameof(PostgreSqlWire.Time), "000000141DD76000" },
        { nameof(PostgreSqlWire.Timestamp), "0000000000000000" },
        { nameof(PostgreSqlWire.Timestamp), "7FFFFFFFFFFFFFFF" },
        { nameof(PostgreSqlWire.Timestamp), "8000000000000000" },
        { nameof(PostgreSqlWire.Timestamp), (long.MaxValue - Microseconds2000).ToString("X16", System.Globalization.CultureInfo.InvariantCulture) },
        { nameof(PostgreSqlWire.Timestamp), (long.MaxValue - Microseconds2000 + 1).ToString("X16", System.Globalization.CultureInfo.InvariantCulture) },
        { nameof(PostgreSqlWire.Int8), "7FFFFFFFFFFFFFFF" },
    };

    /// <summary>Where none is looked for, none is found and named: each kind of value alone, in the last row.</summary>
    [Theory, MemberData(nameof(Values))]
    public unsafe void MayHaveFaults_OneValueAmongNulls_IsWhatFaultOfNames(string wireName, string hex)
    {
        const int Rows = 3;
        var wire = Enum.Parse<PostgreSqlWire>(wireName);
        var value = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        var bytes = new byte[(Rows * sizeof(int)) + value.Length + 64];
        var places = new int[Rows];
        for (var row = 0; row < Rows; row++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(row * sizeof(int)), row < Rows - 1 ? WireValues.Null : value.Length);
            places[row] = (row + 1) * sizeof(int);
        }
        value.CopyTo(bytes, places[^1]);
        fixed (byte* first = bytes)
        fixed (int* place = places)
            Assert.Equal(WireValues.FaultOf(bytes, places[^1], wire) is not null, new WireValues(first, place, stride: 1, Rows).MayHaveFaults(wire));
    }
}
