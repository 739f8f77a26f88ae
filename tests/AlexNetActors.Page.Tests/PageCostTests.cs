using System.Globalization;
using AlexNetActors.App;

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
        await using var reader = await CountingReader.Open(server.Address);
        for (int n = 0; n < NewSteps; n++)
        {
            run.Step();
            await Task.Delay(StepTime);
        }
        await page.Until($"document.title.startsWith('{HistorySteps + NewSteps}/')");
        var (bytes, seconds) = reader.SinceTheFirstNews;
        var motion = await page.Value<Motion>("window.motion");

        double[] frames = [.. motion.Frames.Order()];
        double Frame(double share) => frames[(int)(share * (frames.Length - 1))];
        Say($"page: {load.Bytes} bytes in {load.Files} files, and {feed} bytes of state and {HistorySteps} steps' curves");
        Say($"cold start: first paint {load.FirstPaint:F0} ms, first contentful paint {load.FirstContentfulPaint:F0} ms, interactive {load.Interactive:F0} ms after the address was entered");
        Say($"{NewSteps} more steps in {frames.Sum() / 1000:F1} s: {frames.Length} frames, median {Frame(0.5):F1} ms, 95 % {Frame(0.95):F1} ms, longest {Frame(1):F1} ms; {motion.LongTasks.Length} tasks over 50 ms{(motion.LongTasks.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $", longest {motion.LongTasks.Max():F0} ms") : "")}");
        Say($"while it trains: {bytes / seconds / 1000:F1} kB/s for each reader, at {NewSteps / frames.Sum() * 1000:F1} steps a second");
        await page.Picture("ten-thousand-steps");
        Assert.InRange(load.Bytes + feed, 1, WeightMax);
        page.ExpectQuiet();
    }

    void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
