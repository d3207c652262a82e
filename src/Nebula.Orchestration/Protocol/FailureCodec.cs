namespace Nebula.Orchestration.Protocol;

/// <summary>Reads and writes <see cref="FailureDetails"/>.</summary>
internal static class FailureCodec
{
    public static FailureDetails Read(ReadOnlySpan<byte> message, int depth = 0)
    {
        var reader = new ProtocolReader(message);
        var read = new FailureDetails("", "");
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    read = read with { ErrorType = reader.String() };
                    break;
                case 2:
                    read = read with { Message = reader.String() };
                    break;
                case 3:
                    read = read with { StackTrace = reader.StringValue() };
                    break;
                case 4 when depth < FailureDetails.MaxDepth:
                    read = read with { Inner = Read(reader.Bytes(), depth + 1) };
                    break;
                case 5:
                    read = read with { IsNonRetriable = reader.Bool() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return read;
    }

    public static void Write(ProtocolWriter writer, int field, FailureDetails? failure)
    {
        if (failure is null)
            return;
        var message = writer.Begin(field);
        writer.String(1, failure.ErrorType);
        writer.String(2, failure.Message);
        writer.StringValue(3, failure.StackTrace);
        Write(writer, 4, failure.Inner);
        writer.Bool(5, failure.IsNonRetriable);
        writer.End(message);
    }
}
