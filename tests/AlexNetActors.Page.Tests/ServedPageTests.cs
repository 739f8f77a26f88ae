using System.Text.RegularExpressions;
using AlexNetActors.Actors;
using AlexNetActors.App;

namespace AlexNetActors.Page.Tests;

/// <summary>The page before a real server in this process, whose run does what the test says.</summary>
public sealed class ServedPageTests(Chromium chromium) : IClassFixture<Chromium>
{
    const string Doing = "document.querySelector('#doing').textContent";

    static DashboardServer Serve(string where = "0") => DashboardServer.StartIfAsked(where, new Output(json: false))!;

    async Task<WatchedPage> Open(DashboardServer server)
    {
        Assert.SkipUnless(chromium.IsThere, Chromium.Missing);
        return await chromium.Open(server.Address);
    }

    static Task Hide(WatchedPage page, bool hidden) =>
        page.Page.EvaluateAsync($"Object.defineProperty(document, 'hidden', {{ value: {(hidden ? "true" : "false")}, configurable: true }}); document.dispatchEvent(new Event('visibilitychange'))");

    [Fact]
    public async Task A_page_that_nobody_looks_at_leaves_its_place_and_one_too_many_is_told_so_and_comes_in_later()
    {
        using var server = Serve();
        var run = new ShownRun(server.Board);
        run.Step();
        await using var page = await Open(server);
        await page.Until($"{Doing} === 'training'");
        await Hide(page, true);
        var readers = new List<CountingReader>();
        try
        {
            using var late = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (readers.Count < EventFeed.ReadersMax)
            {
                var reader = await CountingReader.Open(server.Address);
                if (reader.Reads) readers.Add(reader);
                else
                {
                    await reader.DisposeAsync(); // the server has not heard yet that the page has gone
                    await Task.Delay(50, late.Token);
                }
            }
            await Hide(page, false);
            await page.Until($"{Doing} === 'as many watch this run as may: this page asks again'");
        }
        finally
        {
            foreach (var reader in readers) await reader.DisposeAsync();
        }
        run.Step();
        await page.Until($"{Doing} === 'training' && document.title.startsWith('2/')");
    }

    [Fact]
    public async Task A_page_hears_how_the_run_ended()
    {
        var server = Serve();
        var run = new ShownRun(server.Board);
        await using var page = await Open(server);
        run.Step();
        await page.Until("document.title.startsWith('1/')");
        run.Hear(new RunFinished(1, "all steps are done"));
        server.Dispose();
        await page.Until($"{Doing} === 'done: all steps are done'");
    }

    [Fact]
    public async Task Another_run_at_the_same_address_leaves_nothing_of_the_one_before()
    {
        var server = Serve();
        int port = new Uri(server.Address).Port;
        var run = new ShownRun(server.Board, "runs/before");
        for (int n = 0; n < 5; n++) run.Step();
        await using var page = await Open(server);
        await page.Until("document.querySelectorAll('#loss canvas').length > 0 && document.querySelectorAll('#lanes g').length > 0");
        server.Dispose();
        await page.Until($"{Doing}.includes('has ended or cannot be reached')");
        using var another = Serve($"{port}");
        _ = new ShownRun(another.Board, "runs/after");
        await page.Page.Locator("#folder", new() { HasText = "run folder runs/after," }).WaitForAsync(); // the page loads itself again
        foreach (string place in new[] { "loss", "speed", "lanes" }) Assert.Equal("No step is done yet.", (await page.Page.InnerTextAsync($"#{place}")).Trim());
        Assert.Equal("", (await page.Page.InnerTextAsync("#shares")).Trim());
    }

    [Fact]
    public async Task What_has_not_changed_is_not_written_again()
    {
        using var server = Serve();
        var run = new ShownRun(server.Board);
        run.Step();
        await using var page = await Open(server);
        await page.Until("document.querySelectorAll('#lanes g').length > 0 && document.querySelectorAll('#happenings time').length > 0 && document.querySelectorAll('#members td').length > 0");
        await page.Page.EvaluateAsync("""
            window.written = [];
            new MutationObserver(all => window.written.push(...all.map(m => (m.target.closest ? m.target : m.target.parentElement).closest('[id]').id)))
              .observe(document.body, { subtree: true, childList: true, characterData: true });
            """);
        for (int n = 0; n < 5; n++) run.Step();
        await page.Until("document.title.startsWith('6/') && window.written.includes('lanes')");
        string[] written = await page.Value<string[]>("[...new Set(window.written)]");
        Assert.DoesNotContain(written, id => id is "doing" or "happenings" or "recoveries" or "members" or "recipe" or "folder" or "pause" or "alerts");
        page.ExpectQuiet();
    }

    [Fact]
    public async Task Curves_have_names_and_are_hidden_and_shown_by_keyboard()
    {
        using var server = Serve();
        var run = new ShownRun(server.Board);
        for (int n = 0; n < 5; n++) run.Step();
        await using var page = await Open(server);
        await page.Until("document.querySelectorAll('.chart canvas').length === 3");
        Assert.Equal(["Loss of training and validation over the steps", "Errors of training and validation over the steps", "Images a second over the steps"],
            await page.Value<string[]>("[...document.querySelectorAll('.chart canvas[role=img]')].map(c => c.ariaLabel)"));
        const string toggle = "[...document.querySelectorAll('#errors .u-series th')].find(t => t.textContent === 'training top-5')";
        Assert.Equal("dashed", await page.Value<string>($"{toggle}.querySelector('.u-marker').style.borderStyle"));
        await page.Page.EvaluateAsync($"{toggle}.focus()");
        foreach (var (key, pressed) in new[] { ("Enter", "false"), (" ", "true") })
        {
            await page.Page.Keyboard.PressAsync(key);
            await page.Until($"{toggle}.ariaPressed === '{pressed}' && {toggle}.parentElement.classList.contains('u-off') === {(pressed == "true" ? "false" : "true")}");
        }
        page.ExpectQuiet();
    }

    [Fact]
    public async Task A_group_that_ended_before_it_trained_does_not_form_for_ever()
    {
        using var server = Serve();
        var run = new ShownRun(server.Board);
        run.Step();
        run.Hear(new GroupBroken(1, "two:2 is gone"));
        run.Hear(new GroupBroken(2, "one:1 is gone"));
        await using var page = await Open(server);
        await page.Until("document.querySelectorAll('#recoveries time').length === 2");
        string[] lines = await page.Value<string[]>("[...document.querySelectorAll('#recoveries li')].map(l => l.lastChild.textContent)");
        Assert.Equal(["group 2 ended at step 1: one:1 is gone. Forming again.", "group 1 ended at step 1: two:2 is gone. The group after it did not come to train."], lines);
    }

    [Fact]
    public async Task A_study_that_came_to_nothing_says_so_above_the_one_of_before()
    {
        using var server = Serve();
        await using var page = await Open(server);
        var study = new CheckpointStudy(7, 10, 20, ["a", "b"], [[1, 2], [3, 4]], Sheet: [], new Dictionary<string, byte[]>());
        await page.Page.RouteAsync("**/api/study", route => route.FulfillAsync(new() { ContentType = "application/json", BodyBytes = BoardJson.Study((study, false, "The checkpoint after step 9 cannot be looked at: it is gone")) }));
        await page.Page.ClickAsync("#look");
        await page.Until("document.querySelectorAll('#matrix td').length === 4");
        Assert.StartsWith("The checkpoint after step 9 cannot be looked at: it is gone After step 7: ", await page.Page.InnerTextAsync("#looking"));
    }

    [Fact]
    public async Task A_page_that_is_opened_later_shows_the_study_that_somebody_asked_for()
    {
        using var server = Serve();
        await using var page = await Open(server);
        var study = new CheckpointStudy(7, 10, 20, ["a", "b"], [[1, 2], [3, 4]], Sheet: [], new Dictionary<string, byte[]>());
        var asked = new List<(string Method, bool Busy)>();
        await page.Page.RouteAsync("**/api/study", route =>
        {
            asked.Add((route.Request.Method, asked.Count == 0));
            return route.FulfillAsync(new() { ContentType = "application/json", BodyBytes = BoardJson.Study((asked[^1].Busy ? null : study, asked[^1].Busy, asked[^1].Busy ? "Looking" : "")) });
        });
        await page.Page.ReloadAsync();
        await page.Until("document.querySelectorAll('#matrix td').length === 4 && !document.querySelector('#look').disabled");
        Assert.Equal([("GET", true), ("GET", false)], asked);
    }

    [Fact]
    public async Task What_was_not_today_has_its_date()
    {
        using var server = Serve();
        await using var page = await Open(server);
        Task<string> Clock(string when) => page.Value<string>($"import('/format.js').then(f => f.clock({when}))");
        Assert.Matches(new Regex("^00:05:09"), await Clock("new Date().setHours(0, 5, 9)"));
        Assert.Matches(new Regex("2012.* 13:05:09"), await Clock("new Date(2012, 8, 30, 13, 5, 9)"));
    }
}
