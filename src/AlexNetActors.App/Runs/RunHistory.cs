using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>The curves of a run that goes on, as its metrics.jsonl tells them.</summary>
static class RunHistory
{
    /// <param name="metrics">The file.</param>
    /// <param name="batch">Images of a step.</param>
    public static Curves Read(string metrics, int batch)
    {
        using var file = new FileStream(metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite); // the run writes on
        return MetricsLine.Read(file).Aggregate(new Curves(), (curves, line) => line.Kind switch
        {
            "step" => curves.After(line.Step, Value(line, "rate"), ScoreOf(line, batch), batch / (double)Value(line, "imagesPerSecond")),
            "validation" => curves.After(new ValidationCompleted(line.Step, (long)Value(line, "epoch"), ScoreOf(line, (int)Value(line, "images")), (bool)line.Json!["best"]!, Value(line, "rate"))),
            _ => curves,
        });
    }

    static Score ScoreOf(MetricsLine line, int images) =>
        new(images, images * Value(line, "loss"), (int)Math.Round(images * Value(line, "top1")), (int)Math.Round(images * Value(line, "top5")));

    static float Value(MetricsLine line, string name) => (float)line.Json![name]!;
}
