using System.Globalization;
using System.Text;

namespace AlexNetActors.App;

/// <summary>
/// The run's numbers in Prometheus' text format 0.0.4. Written by hand: it is a dozen numbers that lie in one state, and the exporter for them is a
/// beta with four packages behind it. What is not known yet has no line.
/// </summary>
static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Of(BoardState? state)
    {
        var text = new StringBuilder();
        if (state is null) return "";
        var s = state.Status;
        void Metric(string name, string kind, string help, params ReadOnlySpan<(string Labels, double? Value)> values)
        {
            bool named = false;
            foreach (var (labels, value) in values)
            {
                if (value is not { } v) continue;
                if (!named) text.Append(CultureInfo.InvariantCulture, $"# HELP alexnet_{name} {help}\n# TYPE alexnet_{name} {kind}\n");
                named = true;
                text.Append(CultureInfo.InvariantCulture, $"alexnet_{name}{labels} {v:R}\n");
            }
        }
        Metric("steps", "gauge", "Training steps done.", ("", s.Steps));
        Metric("steps_limit", "gauge", "Steps at which the run ends.", ("", s.Limits.StepsMax));
        Metric("epochs", "gauge", "Whole epochs done.", ("", s.Epochs));
        Metric("trained_images_total", "counter", "Images trained on by this process, also those trained on again.", ("", s.Trained.Images));
        Metric("images_per_second", "gauge", "Over the last steps.", ("", s.RecentImagesPerSecond));
        Metric("learning_rate", "gauge", "Of the last step.", ("", s.Rate is { } rate ? (double)(decimal)rate : null)); // 0.004, as it was asked for
        Metric("loss_nats", "gauge", "Cross-entropy: of the last training steps, of the last validation.", (Set("training"), s.Recent.IsEmpty ? null : s.RecentScore.Loss), (Set("validation"), s.Validation?.Score.Loss));
        Metric("top1_error_ratio", "gauge", "Share of pictures whose label is not the best guess.", (Set("training"), s.Recent.IsEmpty ? null : s.RecentScore.Top1Error), (Set("validation"), s.Validation?.Score.Top1Error));
        Metric("top5_error_ratio", "gauge", "Share of pictures whose label is not among the five best guesses.", (Set("training"), s.Recent.IsEmpty ? null : s.RecentScore.Top5Error), (Set("validation"), s.Validation?.Score.Top5Error));
        (string, double?)[] Seconds(Func<Actors.TowerTime, double> ms) => [.. s.Times.Values.Select(t => ($"{{tower=\"{t.Towers}\"}}", (double?)(ms(t) / 1000)))];
        Metric("tower_compute_seconds_total", "counter", "Time a tower's device computed in steps.", Seconds(t => t.ComputeMs));
        Metric("tower_exchange_wait_seconds_total", "counter", "Time a tower waited for the other one.", Seconds(t => t.ExchangeMs));
        Metric("tower_data_wait_seconds_total", "counter", "Time a tower waited for its batches.", Seconds(t => t.DataMs));
        Metric("recoveries_total", "counter", "Groups that ended and had to form again.", ("", state.RecoveriesEver));
        Metric("generation", "gauge", "Incarnation of the group.", ("", state.Generation));
        Metric("members", "gauge", "Nodes that take part.", ("", state.Members.Count(m => m.Gone is null)));
        return text.ToString();
    }

    static string Set(string set) => $"{{set=\"{set}\"}}";
}
