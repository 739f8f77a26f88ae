using System.Text.Json.Nodes;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>A validation as metrics.jsonl has it, for who reads it again.</summary>
sealed record ValidationLine(long Step, long Epoch, int Images, double Loss, double Top1, double Top5, bool Best, float Rate)
{
    /// <returns>Null for a line without a field, or with a number that no validation has.</returns>
    public static ValidationLine? Read(JsonObject l) =>
        l.Is("step", out long step) && l.Is("epoch", out long epoch) && l.Is("images", out int images) && l.Is("loss", out double loss) && l.Is("top1", out double top1) && l.Is("top5", out double top5)
        && l.Is("best", out bool best) && l.Is("rate", out float rate)
        && epoch is >= 0 and <= MetricsLine.StepsMax && images > 0 && StepLine.AreScores(loss, top1, top5, rate)
            ? new ValidationLine(step, epoch, images, loss, top1, top5, best, rate)
            : null;

    /// <summary>The event that it was written from.</summary>
    public ValidationCompleted Told => new(Step, Epoch, StepLine.ScoreOf(Images, Loss, Top1, Top5), Best, Rate);
}
