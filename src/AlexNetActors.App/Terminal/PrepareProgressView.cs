using AlexNetActors.Data;
using Spectre.Console;

namespace AlexNetActors.App;

/// <summary>How far a preparation is: a bar on a terminal, else a line every few seconds.</summary>
static class PrepareProgressView
{
    public static T Follow<T>(Output output, Func<IProgress<PrepareProgress>, T> work) => Output.Terminal is { } terminal
        ? terminal.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(bar =>
        {
            var task = bar.AddTask("pictures");
            return work(new Immediate(p =>
            {
                (task.MaxValue, task.Value) = (Math.Max(1, p.Total), p.Done);
                task.Description = Words(p);
            }));
        })
        : work(Lines(output.Log));

    static Immediate Lines(TextWriter log)
    {
        var lines = new ProgressLines(log);
        return new Immediate(p => lines.Tell(() => Words(p)));
    }

    static string Words(PrepareProgress p) => $"{App.Words.Count(p.Done)} of {App.Words.Count(p.Total)} pictures, {App.Words.Count(p.Skipped)} skipped";

    /// <summary>Told on the thread that reports: no thread pool, no reordering.</summary>
    sealed class Immediate(Action<PrepareProgress> report) : IProgress<PrepareProgress>
    {
        public void Report(PrepareProgress value) => report(value);
    }
}
