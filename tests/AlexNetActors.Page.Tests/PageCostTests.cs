using System.Globalization;
using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Page.Tests;

/// <summary>
/// What the page costs who watches: bytes, first paint of a page that nobody has opened before, and how it moves with 10,000 steps of history while
/// more come. Times are printed, never asserted: <c>AlexNetActors.Page.Tests -class "*PageCostTests" -showLiveOutput</c>.
/// </summary>
public sealed class PageCostTests(Chromium chromium, ITestOutputHelper output) : IClassFixture<Chromium>
{
    const int HistorySteps = 10_000, WeightMax = 1_000_000, NewSteps = 200;
    static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(50);

    sealed record Load(double FirstPaint, double FirstContentfulPaint, double Interactive, long Bytes, int Files);
    sealed record Motion(double[] Frames, double[] LongTasks);

    [Fact]
    public async Task Page_with_ten_thousand_steps()
    {
        Assert.SkipUnless(chromium.IsThere, Chromium.Missing);
        using var server = DashboardServer.StartIfAsked("0", new Output(json: false))!;
        var run = new ShownRun(server.Board);
        for (int n = 0; n < HistorySteps; n++) run.Step();

        await using var page = await chromium.Open(server.Address);
        await page.Until("document.querySelectorAll('#speed canvas').length > 0 && performance.getEntriesByType('paint').length === 2");
        var load = await page.Value<Load>("""
            (() => {
              const paint = name => performance.getEntriesByName(name)[0].startTime;
              const files = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
              return { firstPaint: paint('first-paint'), firstContentfulPaint: paint('first-contentful-paint'), interactive: files[0].domInteractive, bytes: files.reduce((sum, f) => sum + f.transferSize, 0), files: files.length };
            })()
            """);
        long feed = BoardJson.Run(server.Board.State).Length + BoardJson.History(server.Board.State).Length; // its connection stays open, and is not among the files
        await page.Page.EvaluateAsync("""
            (() => {
              window.motion = { frames: [], longTasks: [] };
              new PerformanceObserver(list => window.motion.longTasks.push(...list.getEntries().map(e => e.duration))).observe({ type: 'longtask' });
              let before = performance.now();
              requestAnimationFrame(function frame(now) { window.motion.frames.push(now - before); before = now; requestAnimationFrame(frame); });
            })()
            """);
        for (int n = 0; n < NewSteps; n++)
        {
            run.Step();
            await Task.Delay(StepTime);
        }
        await page.Until($"document.title.startsWith('{HistorySteps + NewSteps}/')");
        var motion = await page.Value<Motion>("window.motion");

        double[] frames = [.. motion.Frames.Order()];
        double Frame(double share) => frames[(int)(share * (frames.Length - 1))];
        Say($"page: {load.Bytes} bytes in {load.Files} files, and {feed} bytes of state and {HistorySteps} steps' curves");
        Say($"cold start: first paint {load.FirstPaint:F0} ms, first contentful paint {load.FirstContentfulPaint:F0} ms, interactive {load.Interactive:F0} ms after the address was entered");
        Say($"{NewSteps} more steps in {frames.Sum() / 1000:F1} s: {frames.Length} frames, median {Frame(0.5):F1} ms, 95 % {Frame(0.95):F1} ms, longest {Frame(1):F1} ms; {motion.LongTasks.Length} tasks over 50 ms{(motion.LongTasks.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $", longest {motion.LongTasks.Max():F0} ms") : "")}");
        await page.Picture("ten-thousand-steps");
        Assert.InRange(load.Bytes + feed, 1, WeightMax);
        page.ExpectQuiet();
    }

    void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    /// <summary>A run of two towers whose loss falls, as its journal would tell it to the dashboard.</summary>
    sealed class ShownRun
    {
        static readonly RunLimits Limits = new(Records: 1_281_167, Batch: 128, StepsMax: 900_000, CheckpointSteps: 1000, new LearningRateSchedule(0.01f, 10, 3, 1, 0));
        static readonly ExchangeTime[] Exchanges = [.. Enumerable.Range(0, 8).Select(n => new ExchangeTime((byte)(n / 4), (byte)(1 + n % 4), 50 * n + 20, 50 * n + 24, 50 * n + 21, 50 * n + 26))];

        readonly Board _board;
        readonly Random _noise = new(1);
        RunStatus _status = RunStatus.Start(Limits, new RunStart(RunProgress.Start(Limits), null, null));
        long _steps;

        public ShownRun(Board board)
        {
            _board = board;
            board.Begin(new RunFacts("paper", 62_378_344, 128, "packs", 1_281_167, 1000, "runs/shown", ["conv1", "conv3", "fc6", "fc7", "fc8", "loss"]), _status, new Curves());
            Hear(new NodeJoined("one:1", "cuda:0"));
            Hear(new NodeJoined("two:2", "cuda:0, a loader"));
            Hear(new GroupFormed(1, ["cuda:0", "cuda:0"], "cuda", ["tower A on cuda:0 of one:1", "tower B on cuda:0 of two:2", "batches from two:2"]));
            Hear(new RunStarted(0, 0, ["cuda:0", "cuda:0"], null, Ledger.Empty));
        }

        public void Step()
        {
            double loss = 0.5 + 6.4 * Math.Exp(-_steps / 4000.0) + 0.1 * _noise.NextDouble();
            var times = new[] { "A", "B" }.Select(t => new TowerTime(t, 380 + 5 * _noise.NextDouble(), 40, 10, 0, Exchanges));
            Hear(new StepCompleted(_steps, _steps < 6000 ? 0.01f : 0.001f, new Score(128, 128 * loss, (int)(18 * loss), (int)(10 * loss)), [.. times], new StepRecords(0, [])));
            _steps++;
            if (_steps % 500 == 0) Hear(new ValidationCompleted(_steps, _steps / 500, new Score(1000, 1000 * (loss + 0.1), (int)(140 * loss), (int)(80 * loss)), true, 0.01f));
        }

        void Hear(IRunEvent e)
        {
            _status = _status.After(e, default, new ProcessMeter(0.43 + 0.02 * _noise.NextDouble(), 0));
            _board.Hear(e, _status);
        }
    }
}
