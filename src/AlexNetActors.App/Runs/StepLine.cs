using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>A step as metrics.jsonl has it, for who reads it again.</summary>
sealed record StepLine(long Step, float Rate, double Loss, double Top1, double Top5, double ImagesPerSecond, StepLine.Tower[] Towers)
{
    public sealed record Tower(string Towers, double ComputeMs, double ExchangeMs, double DataMs, int DeviceBuffers, Exchange[] Exchanges);

    /// <summary>Its kind and the segment before which it happens, "gather 1"; and when, in milliseconds from the beginning of the pass.</summary>
    public sealed record Exchange([property: JsonPropertyName("exchange")] string Which, double Given, double Arrived, double Asked, double Got);

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };

    /// <returns>Null for a line of another kind, or one that does not say what a step took.</returns>
    public static StepLine? Read(MetricsLine line)
    {
        if (line.Kind != "step") return null;
        try
        {
            return line.Json.Deserialize<StepLine>(Json) is { Towers: not null, ImagesPerSecond: > 0 } step && step.Towers.All(t => t?.Exchanges is not null && t.Exchanges.All(e => e is not null && Time(e) is not null)) ? step : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The event that it was written from, but for the records; and what the step took.</summary>
    /// <param name="batch">Images of a step.</param>
    public (StepCompleted Event, double Ms) Told(int batch) => (
        new StepCompleted(Step - 1, Rate, ScoreOf(batch, Loss, Top1, Top5), [.. Towers.Select(t => new TowerTime(t.Towers, t.ComputeMs, t.ExchangeMs, t.DataMs, t.DeviceBuffers, [.. t.Exchanges.Select(e => Time(e)!)]))], new Data.StepRecords(0, [])),
        1000 * batch / ImagesPerSecond);

    public static Score ScoreOf(int images, double loss, double top1, double top5) => new(images, images * loss, (int)Math.Round(images * top1), (int)Math.Round(images * top5));

    /// <returns>Null for one that no tower makes.</returns>
    static ExchangeTime? Time(Exchange e) =>
        e.Which.Split(' ') is [var kind, var segment] && Enum.TryParse<ExchangeKind>(kind, ignoreCase: true, out var which) && Enum.IsDefined(which) && byte.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out byte before)
            ? new ExchangeTime((byte)which, before, e.Given, e.Arrived, e.Asked, e.Got)
            : null;
}
