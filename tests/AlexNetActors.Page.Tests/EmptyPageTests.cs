using AlexNetActors.App;

namespace AlexNetActors.Page.Tests;

/// <summary>Before anything has happened the page shows no number, and says what it waits for.</summary>
public sealed class EmptyPageTests(FiveProcesses cluster, Chromium chromium) : IClassFixture<FiveProcesses>, IClassFixture<Chromium>
{
    [Fact]
    public async Task A_coordinator_alone_says_what_it_waits_for()
    {
        Assert.SkipUnless(chromium.IsThere, Chromium.Missing);
        cluster.StartCoordinator();
        await using var page = await chromium.Open(cluster.Address);
        await page.Until("document.querySelector('#doing').textContent.includes('waiting for a device for tower A and one for tower B, 2 of 2 loaders')");
        foreach (string chart in new[] { "loss", "errors", "speed", "lanes" }) Assert.Equal("No step is done yet.", (await page.Page.InnerTextAsync($"#{chart}")).Trim());
        Assert.Equal("They are shown when the first checkpoint is written.", (await page.Page.InnerTextAsync("#kernels")).Trim());
        Assert.Equal("–", (await page.Page.InnerTextAsync("#figures div:nth-child(4) dd")).Trim());
        await page.Page.ClickAsync("#look");
        await page.Until("document.querySelector('#looking').textContent === 'There is no checkpoint yet.'");
        await page.Picture("empty");
        page.ExpectQuiet();
    }

    [Fact]
    public async Task More_classes_than_a_matrix_can_show_are_said()
    {
        Assert.SkipUnless(chromium.IsThere, Chromium.Missing);
        cluster.StartCoordinator();
        var study = new CheckpointStudy(7, 1000, 2000, [.. Enumerable.Range(0, 51).Select(n => $"n{n}")], Confusion: null, Sheet: [], new Dictionary<string, byte[]>());
        await using var page = await chromium.Open(cluster.Address);
        await page.Page.RouteAsync("**/api/study", route => route.FulfillAsync(new() { ContentType = "application/json", BodyBytes = BoardJson.Study((study, false, "")) }));
        await page.Page.ClickAsync("#look");
        await page.Until("document.querySelector('#matrix').textContent === 'There is no confusion matrix of 51 classes: it is drawn for up to 50.'");
        Assert.Equal("After step 7: 1,000 validation pictures; the nearest of 2,000 training pictures by what the last layer sees.", await page.Page.InnerTextAsync("#looking"));
        page.ExpectQuiet();
    }
}
