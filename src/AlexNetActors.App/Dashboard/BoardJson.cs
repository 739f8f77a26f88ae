using System.Text.Json;
using System.Text.Json.Serialization;

namespace AlexNetActors.App;

/// <summary>The dashboard's state as its page reads it. What is not known is null, never 0.</summary>
static class BoardJson
{
    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static byte[] Run(BoardState? state) => JsonSerializer.SerializeToUtf8Bytes(state is null ? new { Doing = "waiting for the coordinator: it is not on this node" } : RunOf(state), Json);

    static object RunOf(BoardState state)
    {
        var s = state.Status;
        bool any = !s.Recent.IsEmpty;
        return new
        {
            state.Run.Recipe,
            state.Run.Parameters,
            state.Run.Batch,
            state.Run.Data,
            state.Run.Records,
            state.Run.Classes,
            state.Run.Folder,
            Doing = state.Ended ?? s.Doing,
            Over = state.Ended is not null,
            state.Paused,
            state.Failed,
            Step = s.Steps,
            s.Limits.StepsMax,
            Epoch = s.Epochs,
            EpochsMax = s.Limits.EpochsAfter(s.Limits.StepsMax),
            s.Rate,
            ImagesPerSecond = state.Trains ? s.RecentImagesPerSecond : null,
            RemainingSeconds = state.Trains ? s.Remaining?.TotalSeconds : null,
            Training = any ? Scores(s.RecentScore.Loss, s.RecentScore.Top1Error, s.RecentScore.Top5Error) : null,
            Validation = s.Validation is { } v ? Scores(v.Score.Loss, v.Score.Top1Error, v.Score.Top5Error) : null,
            ValidatedAt = s.Validation?.Steps,
            BestError = s.Best?.Error,
            BestAt = s.Best?.Steps,
            CheckpointAt = s.Checkpoint?.Steps,
            state.Generation,
            Members = state.Members.Select(m => new { m.Node, m.Offers, Roles = state.RolesOf(m), Generation = state.IsOfGroup(m) ? state.Generation : (int?)null, m.ResidentBytes, m.Since, m.Gone }),
            Towers = s.Times.Values.Select(t => new { t.Towers, Doing = s.Activities.GetValueOrDefault(t.Towers), t.ComputeMs, t.ExchangeMs, t.DataMs }),
            state.Recoveries,
            state.Happenings,
            state.Alerts,
            Lanes = state.Lanes.Select(Lanes),
        };
    }

    static object Scores(double loss, double top1, double top5) => new { Loss = loss, Top1 = top1, Top5 = top5 };

    static object Lanes(StepLanes l) => new
    {
        l.Step,
        Ms = Tenth(l.Ms),
        Lanes = l.Lanes.Select(lane => new { lane.Towers, Spans = lane.Spans.Select(s => new { Kind = s.Kind.ToString().ToLowerInvariant(), s.What, From = Tenth(s.From), To = Tenth(s.To) }) }),
        Crossings = l.Crossings.Select(c => new { c.What, c.From, Given = Tenth(c.Given), Arrived = Tenth(c.Arrived) }),
    };

    static double Tenth(double ms) => Math.Round(ms, 4); // of a microsecond

    /// <summary>The curves, column by column: ten thousand steps in less than 100 kB.</summary>
    public static byte[] History(BoardState? state) => JsonSerializer.SerializeToUtf8Bytes(HistoryOf(state?.Curves ?? new Curves(), 0), Json);

    /// <summary>What a page has not got that holds so many points and validations of this version.</summary>
    public static byte[] News(Curves curves, int points) => JsonSerializer.SerializeToUtf8Bytes(HistoryOf(curves, points), Json);

    static object HistoryOf(Curves curves, int from)
    {
        var points = curves.Points.Skip(from).ToArray();
        T[] Each<T>(Func<CurvePoint, T> of) => [.. points.Select(of)];
        return new
        {
            curves.Version,
            curves.Stride,
            From = from,
            Step = Each(p => p.Step),
            Loss = Each(p => Short(p.Loss)),
            Top1 = Each(p => Short(p.Top1)),
            Top5 = Each(p => Short(p.Top5)),
            ImagesPerSecond = Each(p => p.Seconds > 0 ? Math.Round(p.Score.Images / p.Seconds, 1) : (double?)null),
            Validations = curves.Validations.Select(v => new { v.Steps, Loss = Short(v.Score.Loss), Top1 = Short(v.Score.Top1Error), Top5 = Short(v.Score.Top5Error), v.Best }),
            Rates = curves.Rates.Select(r => new { r.Steps, r.Rate }),
        };
    }

    public static byte[] Kernels(KernelPictures pictures) => JsonSerializer.SerializeToUtf8Bytes(pictures, Json);

    public static byte[] Study((CheckpointStudy? Study, bool Busy, string Said) desk) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        desk.Busy,
        desk.Said,
        CheckpointStudy.ClassesMax,
        Study = desk.Study is { } s ? new { s.Step, s.Images, s.TrainingImages, s.Classes, s.Confusion, s.Sheet } : null,
    }, Json);

    static double Short(double value) => double.IsFinite(value) ? Math.Round(value, 5) : value;
}
