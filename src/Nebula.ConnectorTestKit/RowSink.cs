using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.ConnectorTestKit;

/// <summary>Takes the rows of a block, and holds their form against the plan.</summary>
/// <param name="plan">What was asked for.</param>
/// <param name="check">Takes what is found.</param>
internal sealed class RowSink(StreamPlan plan, Check check) : IDecodeSink
{
    public List<string?[]> Rows { get; } = [];

    public int Rejected { get; private set; }

    public void Add(RecordBatch batch)
    {
        using (batch)
        {
            if (!HasForm(batch))
                return;
            for (var row = 0; row < batch.Length; row++)
                Rows.Add([.. batch.Columns.Select(column => ValueText.Of(column, row))]);
        }
    }

    public void Reject(RejectedRow row) => Rejected++;

    public void Lines(long count) => check.Require(count >= 0, "0 or more line ends of a block", $"{count}");

    private bool HasForm(RecordBatch batch)
    {
        var wanted = string.Join(", ", plan.Schema.Fields.Select(static field => $"{field.Name}: {field.Type}"));
        var found = string.Join(", ", batch.Schema.Fields.Select(static field => $"{field.Name}: {field.Type}"));
        var columns = string.Join(", ", batch.Columns.Select(static column => column.Type));
        if (found != wanted)
            check.Report($"batches of the columns of the plan, in their order: {wanted}", found);
        else if (!batch.Columns.Select(static column => column.Type).SequenceEqual(plan.Schema.Fields.Select(static field => field.Type)))
            check.Report($"columns of the types of their schema: {wanted}", columns);
        else if (batch.Columns.FirstOrDefault(column => column.Length != batch.Length) is { } odd)
            check.Report($"columns as long as their batch, {batch.Length} rows", $"a column of {odd.Length}");
        else if (plan.Schema.Fields.Where((field, i) => !field.Nullable && batch.Columns[i].NullCount > 0).FirstOrDefault() is { } full)
            check.Report($"no null in the column \"{full.Name}\", which is not null", "some");
        else
            return true;
        return false;
    }
}

/// <summary>Refuses what it is given.</summary>
internal sealed class RefusingSink : IDecodeSink
{
    public void Add(RecordBatch batch)
    {
        batch.Dispose();
        throw new RefusedException();
    }

    public void Reject(RejectedRow row)
    {
    }

    public void Lines(long count)
    {
    }
}

/// <summary>The error of a sink that has nothing to do with what it was given.</summary>
internal sealed class RefusedException : Exception;
