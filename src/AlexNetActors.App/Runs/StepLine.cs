using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>A step as metrics.jsonl has it, for who reads it again.</summary>
sealed record StepLine(long Step, float Rate, double Loss, double Top1, double Top5, double ImagesPerSecond, StepLine.Tower[] Towers)
{
    const double MsMax = 1e9, LossMax = 1e39, RateMax = float.MaxValue; // at least what any step has, a run that blows up included; what is reckoned from them stays a number
    const double SpeedMin = 0.01, SpeedMax = 1e9; // images/s; it is written in hundredths

    public sealed record Tower(string Towers, double ComputeMs, double ExchangeMs, double DataMs, Exchange[] Exchanges);

    /// <summary>Its kind and the segment before which it happens, "gather 1"; and when, in milliseconds from the beginning of the pass.</summary>
    public sealed record Exchange([property: JsonPropertyName("exchange")] string Which, double Given, double Arrived, double Asked, double Got);

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <returns>Null for a line of another kind, and for one that does not say what a step took, or what none takes.</returns>
    public static StepLine? Read(MetricsLine line)
    {
        if (line.Kind != "step") return null;
        try
        {
            return line.Json.Deserialize<StepLine>(Json) is { ImagesPerSecond: >= SpeedMin and <= SpeedMax } step && AreScores(step.Loss, step.Top1, step.Top5, step.Rate) && AreBoth(step.Towers) && step.Towers.All(IsWhole) ? step : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether a batch, or the validation set, may have these.</summary>
    public static bool AreScores(double loss, double top1, double top5, double rate) => loss is >= 0 and <= LossMax && top1 is >= 0 and <= 1 && top5 is >= 0 and <= 1 && rate is >= 0 and <= RateMax;

    /// <summary>Each tower once, whether one device holds both or each has its own.</summary>
    static bool AreBoth(Tower[] towers) => towers.All(t => t is not null) && string.Join('+', towers.Select(t => t.Towers).Order(StringComparer.Ordinal)) == "A+B";

    static bool IsWhole(Tower t) => IsTime(t.ComputeMs) && IsTime(t.ExchangeMs) && IsTime(t.DataMs)
        && t.Exchanges.All(e => e is not null && Time(e) is not null && new[] { e.Given, e.Arrived, e.Asked, e.Got }.All(ms => Math.Abs(ms) <= MsMax)); // a portion may be there before the pass begins

    static bool IsTime(double ms) => ms is >= 0 and <= MsMax;

    /// <summary>The event that it was written from, but for records and buffers; and what the step took.</summary>
    /// <param name="batch">Images of a step.</param>
    public (StepCompleted Event, double Ms) Told(int batch) => (
        new StepCompleted(Step - 1, Rate, ScoreOf(batch, Loss, Top1, Top5), [.. Towers.Select(t => new TowerTime(t.Towers, t.ComputeMs, t.ExchangeMs, t.DataMs, 0, [.. t.Exchanges.Select(e => Time(e)!)]))], new Data.StepRecords(0, [])),
        1000 * batch / ImagesPerSecond);

    public static Score ScoreOf(int images, double loss, double top1, double top5) => new(images, images * loss, (int)Math.Round(images * top1), (int)Math.Round(images * top5));

    /// <returns>Null for one that no tower makes.</returns>
    static ExchangeTime? Time(Exchange e) =>
        e.Which.Split(' ') is [var kind, var segment] && Enum.TryParse<ExchangeKind>(kind, ignoreCase: true, out var which) && Enum.IsDefined(which) && byte.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out byte before)
            ? new ExchangeTime((byte)which, before, e.Given, e.Arrived, e.Asked, e.Got)
            : null;
}
