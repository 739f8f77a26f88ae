using System.Globalization;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>Numbers and events as people read them, the same in every view.</summary>
static class Words
{
    public static string Percent(double share) => Text($"{100 * share:0.0} %");
    public static string Loss(double loss) => Text($"{loss:0.0000}");
    public static string Speed(double? imagesPerSecond) => imagesPerSecond is { } n ? Text($"{n:0.#} images/s") : "";
    public static string Rate(float? rate) => rate is { } r ? Text($"{r:0.############}") : "";
    public static string Flop(double flop) => flop >= 1e9 ? Text($"{flop / 1e9:0.00} GFLOP") : Text($"{flop / 1e6:0.0} MFLOP");
    public static string Bytes(double bytes) => bytes >= 1e9 ? Text($"{bytes / 1e9:0.00} GB") : bytes >= 1e6 ? Text($"{bytes / 1e6:0.0} MB") : Text($"{bytes / 1e3:0.0} kB");
    public static string Count(long n) => Text($"{n:N0}");
    public static string Count(long n, string what) => $"{Count(n)} {what}{(n == 1 ? "" : "s")}";
    public static string Threads(int n) => Count(n, "thread");
    public static string Seconds(double seconds) => Text($"{seconds:0.00} s");
    public static string Span(TimeSpan t) => t.TotalHours >= 1 ? Text($"{(long)t.TotalHours}:{t:mm\\:ss}") : Text($"{t:m\\:ss}");
    public static string Errors(Score s) => $"top-1 error {Percent(s.Top1Error)}, top-5 error {Percent(s.Top5Error)}";

    public static string Shares(TowerTime t)
    {
        double all = t.ComputeMs + t.ExchangeMs + t.DataMs;
        return $"computed {Percent(t.ComputeMs / all)}, waited for the other tower {Percent(t.ExchangeMs / all)}, for data {Percent(t.DataMs / all)}";
    }

    public static string Of(ValidationCompleted v) =>
        $"validation after step {v.Steps} (epoch {v.Epochs}): loss {Loss(v.Score.Loss)}, {Errors(v.Score)}{(v.Best ? ", the best so far" : "")}";

    public static string Of(CheckpointWritten c) => $"checkpoint after step {c.Steps}: {c.Folder}";

    public static string Of(RunPaused p) => $"paused after step {p.Steps} as asked";

    public static string Of(RunContinued c) => $"goes on after step {c.Steps}";

    public static string Of(LaneSpan s) => s.Kind switch
    {
        SpanKind.Command => "wait for a command",
        SpanKind.Data => "wait for the batch",
        SpanKind.Exchange => $"wait for {s.What}",
        _ => "compute",
    };

    /// <summary>What happens to the group, a line or more; nothing for other events.</summary>
    public static IEnumerable<string> OfGroup(IRunEvent e) => e switch
    {
        GroupWaits m => [$"waiting for {m.For}"],
        NodeJoined m => [$"{m.Node} joins: {m.Offers}"],
        NodeTurnedAway m => [$"refused: {m.Reason}"],
        NodeGone m => [$"{m.Node} leaves: {m.Reason}"],
        GroupFormed m => [$"group {m.Generation}: {string.Join("; ", m.Seats)}"],
        GroupBroken m => [$"group {m.Generation} is no more: {m.Why}"],
        LoadersChanged { Nodes: [] } m => [$"{m.Why}; no loader is left: waiting for one"],
        LoadersChanged m => [$"{m.Why}; batches come from {string.Join(", ", m.Nodes)}"],
        RunStarted m => [$"training from step {m.Steps}{(m.From is { } from ? $", with the weights of {from}" : "")}"],
        _ => [],
    };

    public static string Steps(RunStatus s)
    {
        var score = s.RecentScore;
        string rest = s.Remaining is { } r ? $"  {Span(r)} left" : "";
        return Text($"step {s.Steps}/{s.Limits.StepsMax}  epoch {s.Epochs}  loss {Loss(score.Loss)}  top-1 error {Percent(score.Top1Error)}  rate {Rate(s.Rate)}  {Speed(s.RecentImagesPerSecond)}{rest}");
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
