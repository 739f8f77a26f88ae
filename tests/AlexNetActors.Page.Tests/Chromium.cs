using Microsoft.Playwright;

namespace AlexNetActors.Page.Tests;

/// <summary>Debian's chromium, one for a class of tests; every page gets a profile of its own, with nothing in its cache.</summary>
public sealed class Chromium : IAsyncLifetime
{
    const string Program = "/usr/bin/chromium";
    static readonly string[] Arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    IPlaywright? _playwright;
    IBrowser? _browser;

    /// <summary>What a test says that skips for want of it.</summary>
    public static string Missing => $"there is no {Program}: apt-get install chromium";

    public bool IsThere => _browser is not null;

    /// <summary>Where pictures of the page are kept for people to look at.</summary>
    public static string Pictures { get; } = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "pictures")).FullName;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Program)) return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Program, Headless = true, Args = Arguments });
    }

    /// <param name="address">Of the dashboard.</param>
    /// <param name="width">Of the window, in pixels.</param>
    /// <param name="dark">What the reader's system prefers.</param>
    /// <param name="tall">Of the window, in pixels.</param>
    public async Task<WatchedPage> Open(string address, int width = 1280, bool dark = false, int tall = 900)
    {
        var context = await _browser!.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = tall }, ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light });
        return await WatchedPage.Open(await context.NewPageAsync(), address);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.CloseAsync();
        _playwright?.Dispose();
    }
}
