using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Nebula.Functions.Hosting;

/// <summary>Traces: a span for each call, within the trace of the host's. Orchestrators get one per turn and none for what they replay.</summary>
internal static class Telemetry
{
    private static readonly ActivitySource Source = new("Nebula.Functions");

    /// <summary>Begins to export, if settings say where to.</summary>
    /// <returns>What ends it; null when nothing is exported.</returns>
    public static TracerProvider? Start(AppSettings settings)
    {
        if (settings.OtlpEndpoint is null && settings.ApplicationInsights is null)
            return null;
        var builder = Sdk.CreateTracerProviderBuilder().AddSource(Source.Name)
            .ConfigureResource(static resource => resource.AddService("nebula", serviceVersion: typeof(Telemetry).Assembly.GetName().Version?.ToString(3)));
        // the exporter reads its own settings, OTEL_EXPORTER_OTLP_ENDPOINT and its relatives
        if (settings.OtlpEndpoint is not null)
            builder.AddOtlpExporter();
        if (settings.ApplicationInsights is { } connection)
            builder.AddProcessor(new BatchActivityExportProcessor(new ApplicationInsightsExporter(connection)));
        return builder.Build();
    }

    /// <summary>Begins the span of a call.</summary>
    /// <param name="function">The function.</param>
    /// <param name="invocationId">The host's id of the call.</param>
    /// <param name="traceParent">The host's trace context; null when it gave none.</param>
    /// <param name="traceState">What goes with it.</param>
    /// <returns>Null when nobody looks.</returns>
    public static Activity? Begin(string function, string invocationId, string? traceParent, string? traceState)
    {
        _ = ActivityContext.TryParse(traceParent, traceState, isRemote: true, out var parent);
        var activity = Source.StartActivity(function, ActivityKind.Server, parent);
        activity?.SetTag("faas.invocation_id", invocationId);
        return activity;
    }

    /// <summary>Marks the current span as failed.</summary>
    /// <param name="reason">Why.</param>
    public static void Failed(string reason) => Activity.Current?.SetStatus(ActivityStatusCode.Error, reason);
}
