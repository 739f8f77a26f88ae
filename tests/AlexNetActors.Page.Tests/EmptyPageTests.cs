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
}
