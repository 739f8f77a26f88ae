namespace AlexNetActors.Page.Tests;

/// <summary>The dashboard's page in a browser, before a cluster of five real processes.</summary>
public sealed class WatchedRunTests(FiveProcesses cluster, Chromium chromium) : IClassFixture<FiveProcesses>, IClassFixture<Chromium>
{
    const string Step = "Number(document.querySelector('#figures dd').firstChild.textContent.replaceAll(',', ''))";

    async Task<WatchedPage> Open(int width = 1280, bool dark = false)
    {
        Assert.SkipUnless(chromium.IsThere, Chromium.Missing);
        cluster.Start();
        var page = await chromium.Open(cluster.Address, width, dark);
        await page.Until("document.querySelectorAll('#loss canvas').length > 0 && document.querySelectorAll('#lanes g').length > 0");
        return page;
    }

    static async Task<long> StepOf(WatchedPage page) => await page.Value<long>(Step);

    [Fact]
    public async Task Curves_move_and_nobody_else_is_asked()
    {
        await using var page = await Open();
        long step = await StepOf(page);
        await page.Page.EvaluateAsync("window.drawn = document.querySelector('#loss canvas').toDataURL()");
        await page.Until($"{Step} > {step + 3} && window.drawn !== document.querySelector('#loss canvas').toDataURL()");
        await page.Until("document.querySelectorAll('#kernels canvas').length === 2");
        page.ExpectQuiet();
    }

    [Theory]
    [InlineData("light", 1280, false)]
    [InlineData("dark", 1280, true)]
    [InlineData("narrow", 390, false)]
    public async Task Every_width_and_both_themes_hold_all_of_it(string name, int width, bool dark)
    {
        await using var page = await Open(width, dark);
        await page.Until("document.querySelectorAll('#kernels canvas').length === 2 && document.querySelectorAll('#members tbody tr').length >= 4");
        await page.Page.ClickAsync("#look");
        await page.Until("document.querySelectorAll('#matrix td').length === 100 && [...document.querySelectorAll('#sheet img')].length === 48");
        await page.Page.EvaluateAsync("document.querySelectorAll('#sheet img').forEach(i => i.loading = 'eager')");
        await page.Until("[...document.querySelectorAll('#sheet img')].every(i => i.complete && i.naturalWidth === 36)");
        await page.Picture(name);
        Assert.Equal("", await page.Value<string>("[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, svg, .skip') && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 80)).join('\\n')"));
        Assert.Equal("", await page.Value<string>("[document.documentElement, ...document.querySelectorAll('.card, #figures div, #sheet figure')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 80)).join('\\n')"));
        page.ExpectQuiet();
    }

    sealed record Span(double X, double Width, double Ms);
    sealed record Lane(double Ms, string Row, double Scale, Span[] Spans);

    [Fact]
    public async Task The_time_line_tells_no_overlapping_lies()
    {
        await using var page = await Open();
        var lanes = await page.Value<Lane[]>("""
            (() => {
              const svg = document.querySelector('#lanes svg');
              return [...svg.querySelectorAll('g')].flatMap(g => [...new Set([...g.querySelectorAll('rect[data-row^=tower]')].map(r => r.dataset.row))].map(row => ({
                ms: Number(g.dataset.ms), row, scale: Number(svg.dataset.scale),
                spans: [...g.querySelectorAll(`rect[data-row="${row}"]`)].map(r => ({ x: Number(r.getAttribute('x')), width: Number(r.getAttribute('width')), ms: Number(r.dataset.span) })),
              })));
            })()
            """);
        Assert.Contains(lanes, l => l.Row == "tower A");
        Assert.Contains(lanes, l => l.Row == "tower B");
        foreach (var lane in lanes)
        {
            Assert.InRange(lane.Spans.Sum(s => s.Ms), 0.95 * lane.Ms, 1.05 * lane.Ms);
            foreach (var (before, after) in lane.Spans.Zip(lane.Spans.Skip(1)))
                Assert.InRange(after.X - (before.X + before.Ms * lane.Scale), -0.01, 0.01); // the next begins where the one before ended
        }
    }

    [Fact]
    public async Task A_killed_tower_is_shown_as_lost_and_comes_back()
    {
        await using var page = await Open();
        string row = $"[...document.querySelectorAll('#members tr')].find(r => r.cells[0].textContent === '{cluster.NameOf("gpu-2")}')";
        await page.Until($"{row}?.cells[1].textContent.includes('tower')");
        cluster.Kill("gpu-2");
        await page.Until($"{row}.className === 'gone' && {row}.cells[1].textContent.startsWith('lost: ')");
        await page.Picture("lost");
        cluster.StartAgain("gpu-2");
        await page.Until($"{row}.className === '' && {row}.cells[1].textContent.includes('tower')");
        await page.Until($"/^[0-9]+ MiB$/.test({row}.cells[4].textContent)");
        await page.Until("document.querySelector('#recoveries').textContent.includes('first new step after')");
        page.ExpectQuiet();
    }

    sealed record Focus(string What, bool Seen);

    [Fact]
    public async Task Everything_can_be_reached_by_keyboard_and_is_seen_when_it_is()
    {
        await using var page = await Open();
        var reached = new List<Focus>();
        for (int n = 0; n < 22; n++)
        {
            await page.Page.Keyboard.PressAsync("Tab");
            reached.Add(await page.Value<Focus>("(() => { const e = document.activeElement, s = getComputedStyle(e); return { what: e.id || (e.role === 'button' ? e.textContent : e.className) || e.textContent, seen: e === document.body || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) }; })()"));
        }
        Assert.Equal("skip", reached[0].What);
        Assert.All(reached, f => Assert.True(f.Seen, f.What));
        string[] wanted = ["training", "validation", "training top-1", "validation top-5", "images/s", "look", "members", "recoveries", "happenings", "token", "pause", "checkpoint", "stop"];
        Assert.Equal(wanted, reached.Select(f => f.What).Where(wanted.Contains).Distinct());
    }

    [Fact]
    public async Task Buttons_refuse_a_wrong_token()
    {
        await using var page = await Open();
        await page.Page.FillAsync("#token", "guess");
        foreach (string button in new[] { "stop", "pause", "checkpoint" })
        {
            await page.Page.EvaluateAsync("document.querySelector('#answer').textContent = ''");
            await page.Page.ClickAsync($"#{button}");
            await page.Until("document.querySelector('#answer').textContent.includes('wanted the token')");
        }
        await page.Page.PressAsync("#token", "Enter"); // orders nothing
        long step = await StepOf(page);
        await page.Until($"{Step} > {step + 3}");
    }

    [Fact]
    public async Task A_run_is_paused_saved_and_goes_on_by_its_buttons()
    {
        await using var page = await Open();
        await page.Page.FillAsync("#token", cluster.Token);
        await page.Page.ClickAsync("#pause");
        await page.Until("document.querySelector('#doing').textContent === 'paused' && document.querySelector('#pause').textContent === 'Go on'");
        long step = await StepOf(page);
        await page.Page.ClickAsync("#checkpoint");
        await page.Until($"[...document.querySelectorAll('#happenings li')].some(l => l.textContent.includes('checkpoint after step {step}:'))");
        Assert.Equal(step, await StepOf(page));
        await page.Page.ClickAsync("#pause");
        await page.Until($"{Step} > {step} && document.querySelector('#pause').textContent === 'Pause after this step'");
        page.ExpectQuiet();
    }
}
