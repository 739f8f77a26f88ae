using System.Collections.Concurrent;
using AlexNetActors.Actors;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AlexNetActors.App;

/// <summary>A terminal's view: validations and checkpoints scroll by above, the state of the run is redrawn below.</summary>
sealed class LiveView(IAnsiConsole console, bool group) : IRunView
{
    static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(250);

    readonly ConcurrentQueue<string> _said = [];

    public void Show(IRunEvent e, RunStatus status)
    {
        if (group)
            foreach (string line in Words.OfGroup(e)) Say(line);
        if (e is ValidationCompleted v) Say(Words.Of(v));
        if (e is CheckpointWritten c) Say(Words.Of(c));
        if (e is RunPaused paused) Say(Words.Of(paused));
        if (e is RunContinued continued) Say(Words.Of(continued));
    }

    public void Say(string line) => _said.Enqueue(line);

    public void Follow(RunJournal journal, Task end) => console.Live(Draw(journal.Status)).Start(live =>
    {
        bool over;
        do
        {
            over = end.Wait(RedrawInterval);
            while (_said.TryDequeue(out var line)) console.WriteLine(line);
            live.UpdateTarget(Draw(journal.Status));
        }
        while (!over);
    });

    static IRenderable Draw(RunStatus s)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        void Row(string name, string text) => grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(text));
        Row("step", $"{s.Steps} of {s.Limits.StepsMax}, epoch {s.Epochs}, {(s.Remaining is { } left && s.Doing == "training" ? $"{Words.Span(left)} left" : s.Doing)}");
        grid.AddRow(new Text(""), Bar(s));
        if (!s.Recent.IsEmpty) Row("training", $"loss {Words.Loss(s.RecentScore.Loss)}, {Words.Errors(s.RecentScore)}");
        if (s.Validation is { } v) Row("validation", $"loss {Words.Loss(v.Score.Loss)}, {Words.Errors(v.Score)}{(s.Best is { } best ? $"; best {Words.Percent(best.Error)} after step {best.Steps}" : "")}");
        if (s.RecentImagesPerSecond is { } speed) Row("speed", $"{Words.Speed(speed)}, learning rate {Words.Rate(s.Rate)}");
        foreach (string towers in s.Activities.Keys.Union(s.Times.Keys))
            Row($"tower {towers}", $"{s.Activities.GetValueOrDefault(towers, ""),-24} {(s.Times.TryGetValue(towers, out var t) ? Words.Shares(t) : "")}");
        return grid;
    }

    static BreakdownChart Bar(RunStatus s) => new BreakdownChart().HideTags().AddItem("done", s.Steps, Color.Green).AddItem("left", Math.Max(0, s.Limits.StepsMax - s.Steps), Color.Grey);
}
