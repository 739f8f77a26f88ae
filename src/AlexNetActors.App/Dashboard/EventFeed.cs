using Microsoft.AspNetCore.Http;

namespace AlexNetActors.App;

/// <summary>
/// Server-sent events, of each only what a page has not got yet: "run" with the numbers, "members", "lines" of what happened, "lanes" of the last steps,
/// "history" with all curves when what a page holds of them is no more, "points" with what has come since. A few a second, whatever the run's speed, and
/// nothing while nothing changes but a comment that keeps the connection open.
/// </summary>
sealed class EventFeed(Board board)
{
    public const int ReadersMax = 16;
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500), AliveInterval = TimeSpan.FromSeconds(15);

    readonly CancellationTokenSource _end = new();
    int _readers;

    /// <summary>Until the reader goes, or the run.</summary>
    public async Task Serve(HttpContext context)
    {
        try
        {
            if (Interlocked.Increment(ref _readers) > ReadersMax)
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                await context.Response.WriteAsync($"{ReadersMax} watch this run already\n", context.RequestAborted);
                return;
            }
            context.Response.ContentType = "text/event-stream";
            await Follow(context.Response, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The reader has gone.
        }
        finally
        {
            Interlocked.Decrement(ref _readers);
        }
    }

    async Task Follow(HttpResponse response, CancellationToken gone)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(gone, _end.Token);
        BoardState? shown = null;
        var quiet = TimeSpan.MaxValue; // the first one goes at once
        for (bool over = false; !over;)
        {
            over = _end.IsCancellationRequested; // then what it came to is sent, too
            var state = board.State;
            if (!ReferenceEquals(state, shown) || quiet == TimeSpan.MaxValue)
            {
                await SendNews(response, shown, state, gone);
                (shown, quiet) = (state, TimeSpan.Zero);
            }
            else if (quiet > AliveInterval)
            {
                await response.WriteAsync(": alive\n\n", gone);
                quiet = TimeSpan.Zero;
            }
            await response.Body.FlushAsync(gone);
            if (!over) await Task.Delay(Interval, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            gone.ThrowIfCancellationRequested();
            quiet += Interval;
        }
    }

    static async Task SendNews(HttpResponse response, BoardState? had, BoardState? now, CancellationToken gone)
    {
        await Send(response, "run", BoardJson.Numbers(now), gone);
        if (now is null) return;
        bool happened = !ReferenceEquals(had?.Happenings, now.Happenings);
        if (happened || !ReferenceEquals(had?.Members, now.Members)) await Send(response, "members", BoardJson.Members(now), gone); // a new role is a happening
        if (happened || !ReferenceEquals(had?.Alerts, now.Alerts) || !ReferenceEquals(had?.Recoveries, now.Recoveries)) await Send(response, "lines", BoardJson.Lines(now), gone);
        if (!ReferenceEquals(had?.Lanes, now.Lanes)) await Send(response, "lanes", BoardJson.Lanes(had is null ? now.Lanes : now.Lanes.Where(l => !had.Lanes.Contains(l))), gone);
        if (ReferenceEquals(had?.Curves, now.Curves)) return;
        bool goesOn = had is not null && had.Curves.Version == now.Curves.Version && had.Curves.Points.Count <= now.Curves.Points.Count;
        await (goesOn ? Send(response, "points", BoardJson.News(had!.Curves, now.Curves), gone) : Send(response, "history", BoardJson.History(now), gone));
    }

    static async Task Send(HttpResponse response, string kind, byte[] json, CancellationToken gone)
    {
        await response.WriteAsync($"event: {kind}\ndata: ", gone);
        await response.Body.WriteAsync(json, gone);
        await response.Body.WriteAsync("\n\n"u8.ToArray(), gone);
    }

    /// <summary>Who reads hears how it ended, and no more.</summary>
    public void End() => _end.Cancel();
}
