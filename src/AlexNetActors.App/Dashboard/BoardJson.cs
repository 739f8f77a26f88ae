using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace AlexNetActors.App;

/// <summary>The dashboard's state as its page reads it. What is not known is null, never 0.</summary>
static class BoardJson
{
    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>All but the curves.</summary>
    public static byte[] Run(BoardState? state)
    {
        var whole = new JsonObject();
        foreach (object part in state is null ? [NumbersOf(state)] : new[] { NumbersOf(state), MembersOf(state), LinesOf(state), new { Lanes = state.Lanes.Select(LanesOf) } })
            foreach (var (name, value) in JsonSerializer.SerializeToNode(part, Json)!.AsObject()) whole[name] = value?.DeepClone();
        return JsonSerializer.SerializeToUtf8Bytes(whole, Json);
    }

    public static byte[] Numbers(BoardState? state) => JsonSerializer.SerializeToUtf8Bytes(NumbersOf(state), Json);

    public static byte[] Members(BoardState state) => JsonSerializer.SerializeToUtf8Bytes(MembersOf(state), Json);

    public static byte[] Lines(BoardState state) => JsonSerializer.SerializeToUtf8Bytes(LinesOf(state), Json);

    public static byte[] Lanes(IEnumerable<StepLanes> steps) => JsonSerializer.SerializeToUtf8Bytes(steps.Select(LanesOf), Json);

    static object NumbersOf(BoardState? state)
    {
        if (state is null) return new { Doing = "waiting for the coordinator: it is not on this node" };
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
            state.RecoveriesEver,
            Towers = s.Times.Values.Select(t => new { t.Towers, Doing = s.Activities.GetValueOrDefault(t.Towers), ComputeMs = Hundredth(t.ComputeMs), ExchangeMs = Hundredth(t.ExchangeMs), DataMs = Hundredth(t.DataMs) }),
        };
    }

    static object MembersOf(BoardState state) => new
    {
        Members = state.Members.Select(m => new { m.Node, m.Offers, Roles = state.RolesOf(m), Generation = state.IsOfGroup(m) ? state.Generation : (int?)null, m.ResidentBytes, m.Since, m.Gone }),
    };

    static object LinesOf(BoardState state) => new { state.Recoveries, state.Happenings, state.Alerts };

    static object Scores(double loss, double top1, double top5) => new { Loss = Short(loss), Top1 = Short(top1), Top5 = Short(top5) };

    static object LanesOf(StepLanes l) => new
    {
        l.Step,
        Ms = Hundredth(l.Ms),
        Lanes = l.Lanes.Select(lane => new { lane.Towers, Spans = lane.Spans.Select(s => new { Kind = s.Kind.ToString().ToLowerInvariant(), s.What, From = Hundredth(s.From), To = Hundredth(s.To) }) }),
        Crossings = l.Crossings.Select(c => new { c.What, c.From, Given = Hundredth(c.Given), Arrived = Hundredth(c.Arrived) }),
    };

    static double Hundredth(double ms) => Math.Round(ms, 2);

    /// <summary>The curves, column by column: ten thousand steps in less than 100 kB.</summary>
    public static byte[] History(BoardState? state) => JsonSerializer.SerializeToUtf8Bytes(HistoryOf(null, state?.Curves ?? new Curves()), Json);

    /// <summary>What a page has not got that holds these of the same version; null for what it has.</summary>
    public static byte[] News(Curves had, Curves curves) => JsonSerializer.SerializeToUtf8Bytes(HistoryOf(had, curves), Json);

    static object HistoryOf(Curves? had, Curves curves)
    {
        int from = had?.Points.Count ?? 0;
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
            Validations = ReferenceEquals(had?.Validations, curves.Validations) ? null : curves.Validations.Select(v => new { v.Steps, Loss = Short(v.Score.Loss), Top1 = Short(v.Score.Top1Error), Top5 = Short(v.Score.Top5Error), v.Best }),
            Rates = ReferenceEquals(had?.Rates, curves.Rates) ? null : curves.Rates.Select(r => new { r.Steps, r.Rate }),
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
