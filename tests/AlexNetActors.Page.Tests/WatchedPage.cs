using System.Text.Json;
using Microsoft.Playwright;

namespace AlexNetActors.Page.Tests;

/// <summary>An open page, and all that it asked for and complained of since it was opened.</summary>
public sealed class WatchedPage : IAsyncDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90); // for a hang: a busy machine may take long
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    readonly List<string> _complaints = [], _asked = [];
    readonly string _address;

    WatchedPage(IPage page, string address)
    {
        (Page, _address) = (page, address);
        page.SetDefaultTimeout((float)Deadline.TotalMilliseconds);
        page.Console += (_, m) => { if (m.Type is "error" or "warning") Keep(_complaints, m.Text); };
        page.PageError += (_, error) => Keep(_complaints, error);
        page.Request += (_, r) => Keep(_asked, r.Url);
    }

    public static async Task<WatchedPage> Open(IPage page, string address)
    {
        var watched = new WatchedPage(page, address);
        await page.GotoAsync(address, new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        return watched;
    }

    public IPage Page { get; }

    static void Keep(List<string> list, string line)
    {
        lock (list) list.Add(line);
    }

    /// <summary>The value of an expression or function of JavaScript.</summary>
    public async Task<T> Value<T>(string script) => (await Page.EvaluateAsync<JsonElement>(script)).Deserialize<T>(JsonSerializerOptions.Web)!;

    /// <summary>Waits until an expression is true; fails with what the page shows when it does not come to that.</summary>
    public async Task Until(string script)
    {
        using var late = new CancellationTokenSource(Deadline);
        while (!await Page.EvaluateAsync<bool>(script))
        {
            if (late.IsCancellationRequested) throw new TimeoutException($"not in {Deadline.TotalSeconds} s: {script}\n{await Page.InnerTextAsync("body")}");
            await Task.Delay(Interval);
        }
    }

    public Task<byte[]> Picture(string name) => Page.ScreenshotAsync(new() { Path = Path.Combine(Chromium.Pictures, $"{name}.png"), FullPage = true });

    /// <summary>Nothing in the console, and nobody else was asked for anything.</summary>
    public void ExpectQuiet()
    {
        lock (_complaints) Assert.Empty(_complaints);
        lock (_asked) Assert.All(_asked, url => Assert.StartsWith(_address, url));
    }

    public async ValueTask DisposeAsync() => await Page.Context.CloseAsync();
}
