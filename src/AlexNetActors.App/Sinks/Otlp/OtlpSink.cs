using System.Diagnostics;
using System.Diagnostics.Metrics;
using AlexNetActors.Actors;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace AlexNetActors.App;

/// <summary>
/// The run for a collector of OpenTelemetry, over HTTP: a trace for each step, validation, checkpoint and recovery, and the numbers of /metrics. What the
/// collector does not take in time is lost; neither training nor the end of the run waits for it, but for <see cref="EndMax"/>.
/// </summary>
sealed class OtlpSink : IRunSink
{
    const string Name = "alexnet";

    /// <summary>Spans that may wait; of more, those that come meanwhile are left out. A step has about sixty.</summary>
    const int SpansMax = 16384, SpansSentMax = 2048;
    static readonly TimeSpan EndMax = TimeSpan.FromSeconds(2), SpansInterval = TimeSpan.FromSeconds(1), MetricsInterval = TimeSpan.FromSeconds(5), AnswerMax = TimeSpan.FromSeconds(5);

    readonly Uri _collector;
    readonly Action<string> _say;
    readonly Board _board = new();
    readonly ActivitySource _spans = new(Name);
    readonly Meter _numbers = new(Name);
    readonly TracerProvider _traces;
    readonly MeterProvider _metrics;
    DateTimeOffset _last = DateTimeOffset.UtcNow; // what the next event's time began with
    int _complained;

    /// <param name="collector">Its address, without the path of a signal.</param>
    /// <param name="run">What does not change of the run.</param>
    /// <param name="status">Where it starts.</param>
    /// <param name="say">Told when the collector does not take what it is sent.</param>
    public OtlpSink(Uri collector, RunFacts run, RunStatus status, Action<string> say)
    {
        (_collector, _say) = (collector, say);
        _board.Begin(run, status, new Curves());
        foreach (var metric in RunMetric.All) Observe(metric);
        var resource = ResourceBuilder.CreateDefault().AddService(Name, serviceVersion: ProgramVersion.Text)
            .AddAttributes([new("alexnet.run", run.Folder), new("alexnet.recipe", run.Recipe)]);
        _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Name).SetSampler(new AlwaysOnSampler())
            .AddProcessor(new BatchActivityExportProcessor(new OtlpTraceExporter(Exporter("v1/traces")), SpansMax, Ms(SpansInterval), Ms(AnswerMax), SpansSentMax)).Build();
        _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Name)
            .AddReader(new PeriodicExportingMetricReader(new OtlpMetricExporter(Exporter("v1/metrics")), Ms(MetricsInterval), Ms(AnswerMax))).Build();
    }

    static int Ms(TimeSpan time) => (int)time.TotalMilliseconds;

    OtlpExporterOptions Exporter(string path) => new()
    {
        Protocol = OtlpExportProtocol.HttpProtobuf,
        Endpoint = new Uri(_collector.AbsoluteUri.TrimEnd('/') + "/" + path),
        HttpClientFactory = () => new HttpClient(new CollectorWatch(Complain)) { Timeout = AnswerMax },
    };

    void Complain(string why)
    {
        if (Interlocked.Exchange(ref _complained, 1) == 0) _say($"the collector at {_collector} does not take what it is sent: {Hocon.OneLine(why)}; it is lost, training goes on");
    }

    void Observe(RunMetric metric)
    {
        IEnumerable<Measurement<double>> Read() => metric.Read(_board.State!).Select(v => v.Of is { } of ? new Measurement<double>(v.Number, new KeyValuePair<string, object?>(of.Kind, of.Which)) : new Measurement<double>(v.Number));
        if (metric.Counter) _numbers.CreateObservableCounter(metric.Name, Read, description: metric.Help);
        else _numbers.CreateObservableGauge(metric.Name, Read, description: metric.Help);
    }

    public void Hear(IRunEvent e, RunStatus status)
    {
        bool recovers = _board.State!.Recoveries is [.., { Seconds: null }];
        _board.Hear(e, status);
        var (state, now) = (_board.State!, DateTimeOffset.UtcNow);
        switch (e)
        {
            case StepCompleted m:
                StepSpans.Record(_spans, state.Lanes[^1], m, now);
                if (recovers) StepSpans.Record(_spans, "recovery", state.Recoveries[^1].At, now, ("alexnet.why", state.Recoveries[^1].Why), ("alexnet.step", state.Recoveries[^1].BackTo));
                break;
            case ValidationCompleted m:
                StepSpans.Record(_spans, "validation", _last, now, ("alexnet.step", m.Steps), ("alexnet.loss", m.Score.Loss), ("alexnet.top1_error", m.Score.Top1Error), ("alexnet.top5_error", m.Score.Top5Error));
                break;
            case CheckpointWritten m:
                StepSpans.Record(_spans, "checkpoint", _last, now, ("alexnet.step", m.Steps), ("alexnet.weights_sha256", m.WeightsSha256));
                break;
        }
        if (RunStatus.IsMark(e)) _last = now;
    }

    /// <summary>Sends what waits, both at once, and gives up in time.</summary>
    public void Dispose()
    {
        var numbers = new Thread(() => _metrics.Shutdown(Ms(EndMax))) { IsBackground = true };
        numbers.Start();
        _traces.Shutdown(Ms(EndMax));
        numbers.Join(EndMax);
        _traces.Dispose();
        _metrics.Dispose();
        _spans.Dispose();
        _numbers.Dispose();
    }
}
