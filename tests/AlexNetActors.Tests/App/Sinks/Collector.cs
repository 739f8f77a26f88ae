using System.Collections.Concurrent;
using AlexNetActors.Tests.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace AlexNetActors.Tests.App;

/// <summary>In a collector's place: takes OTLP over HTTP on a free port and reads it by field numbers (opentelemetry-proto, trace.proto and metrics.proto).</summary>
sealed class Collector : IDisposable
{
    readonly WebApplication _app;
    readonly ConcurrentQueue<(string Path, byte[] Body)> _taken = [];

    public Collector()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(Take);
        _app.StartAsync().GetAwaiter().GetResult();
    }

    public string Address => _app.Urls.Single();

    async Task Take(HttpContext context)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        _taken.Enqueue((context.Request.Path, body.ToArray()));
        context.Response.ContentType = "application/x-protobuf"; // an empty answer: all of it was taken
    }

    public sealed record Span(string Trace, string Id, string Parent, string Name, ulong From, ulong To);

    /// <summary>Resource -> scope -> spans.</summary>
    public IReadOnlyList<Span> Spans => [.. Requests("/v1/traces").SelectMany(r => r.Messages(1)).SelectMany(r => r.Messages(2)).SelectMany(s => s.Messages(2)).Select(s => new Span(
        Convert.ToHexString(s.Bytes(1)), Convert.ToHexString(s.Bytes(2)), s.Texts(4).Any() ? Convert.ToHexString(s.Bytes(4)) : "", s.Text(5), s.Fixed64(7), s.Fixed64(8)))];

    /// <summary>Newest value of each metric: gauges are field 5, sums 7; each has its points in field 1, a double in 4.</summary>
    public IReadOnlyDictionary<string, double> Metrics
    {
        get
        {
            var values = new Dictionary<string, double>();
            foreach (var metric in Requests("/v1/metrics").SelectMany(r => r.Messages(1)).SelectMany(r => r.Messages(2)).SelectMany(s => s.Messages(2)))
                foreach (var point in metric.Messages(5).Concat(metric.Messages(7)).SelectMany(d => d.Messages(1)))
                    values[metric.Text(1) + string.Concat(point.Messages(7).Select(a => $"{{{a.Text(1)}={a.Message(2).Text(1)}}}"))] = point.Double(4);
            return values;
        }
    }

    public IEnumerable<string> Services => Requests("/v1/traces").SelectMany(r => r.Messages(1)).SelectMany(r => r.Message(1).Messages(1)).Where(a => a.Text(1) == "service.name").Select(a => a.Message(2).Text(1)).Distinct();

    IEnumerable<ProtobufFields> Requests(string path) => _taken.Where(t => t.Path == path).Select(t => ProtobufFields.Of(t.Body));

    public void Dispose()
    {
        _app.StopAsync().GetAwaiter().GetResult();
        _app.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
