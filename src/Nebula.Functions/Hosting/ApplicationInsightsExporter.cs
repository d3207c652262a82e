using System.Diagnostics;
using Microsoft.ApplicationInsights;
using Microsoft.ApplicationInsights.DataContracts;
using Microsoft.ApplicationInsights.Extensibility;
using Microsoft.ApplicationInsights.Extensibility.Implementation;
using OpenTelemetry;

namespace Nebula.Functions.Hosting;

/// <summary>Sends spans to Application Insights: those of calls as requests, others as dependencies, with the ids that join them to the host's.</summary>
/// <param name="connectionString">The connection string of the resource.</param>
internal sealed class ApplicationInsightsExporter(string connectionString) : BaseExporter<Activity>
{
    private readonly TelemetryConfiguration _configuration = new() { ConnectionString = connectionString };
    private TelemetryClient? _client;

    public override ExportResult Export(in Batch<Activity> batch)
    {
        _client ??= new TelemetryClient(_configuration);
        foreach (var activity in batch)
        {
            OperationTelemetry telemetry = activity.Kind == ActivityKind.Server ? new RequestTelemetry() : new DependencyTelemetry();
            telemetry.Id = activity.SpanId.ToHexString();
            telemetry.Name = activity.DisplayName;
            telemetry.Timestamp = activity.StartTimeUtc;
            telemetry.Duration = activity.Duration;
            telemetry.Success = activity.Status != ActivityStatusCode.Error;
            telemetry.Context.Operation.Id = activity.TraceId.ToHexString();
            telemetry.Context.Cloud.RoleName = "nebula";
            if (activity.ParentSpanId != default)
                telemetry.Context.Operation.ParentId = activity.ParentSpanId.ToHexString();
            foreach (var (name, value) in activity.TagObjects)
                telemetry.Properties[name] = value?.ToString() ?? "";
            if (activity.StatusDescription is { } reason)
                telemetry.Properties["error"] = reason;
            if (telemetry is RequestTelemetry request)
                _client.TrackRequest(request);
            else
                _client.TrackDependency((DependencyTelemetry)telemetry);
        }
        _client.Flush();
        return ExportResult.Success;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _configuration.Dispose();
        base.Dispose(disposing);
    }
}
