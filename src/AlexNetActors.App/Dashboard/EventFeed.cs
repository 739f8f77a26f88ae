using Microsoft.AspNetCore.Http;

namespace AlexNetActors.App;

/// <summary>
/// Server-sent events: "run" with the newest state, "history" with all curves when what a page holds of them is no more, "points" with what has come
/// since. A few a second, whatever the run's speed, and nothing while nothing changes but a comment that keeps the connection open.
/// </summary>
sealed class EventFeed(Board board)
{
    const int ReadersMax = 16;
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
                return;
            }
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _end.Token);
            context.Response.ContentType = "text/event-stream";
            await Follow(context.Response, end.Token);
        }
        catch (OperationCanceledException)
        {
            // The reader has gone, or the run is over.
        }
        finally
        {
            Interlocked.Decrement(ref _readers);
        }
    }

    async Task Follow(HttpResponse response, CancellationToken end)
    {
        BoardState? shown = null;
        var quiet = TimeSpan.MaxValue; // the first one goes at once
        while (true)
        {
            var state = board.State;
            if (!ReferenceEquals(state, shown) || quiet == TimeSpan.MaxValue)
            {
                await Send(response, "run", BoardJson.Run(state), end);
                await SendCurves(response, shown?.Curves, state?.Curves, end);
                (shown, quiet) = (state, TimeSpan.Zero);
            }
            else if (quiet > AliveInterval)
            {
                await response.WriteAsync(": alive\n\n", end);
                quiet = TimeSpan.Zero;
            }
            await response.Body.FlushAsync(end);
            await Task.Delay(Interval, end);
            quiet += Interval;
        }
    }

    static Task SendCurves(HttpResponse response, Curves? had, Curves? now, CancellationToken end)
    {
        if (now is null || ReferenceEquals(now, had)) return Task.CompletedTask;
        if (had is null || had.Version != now.Version || now.Points.Count < had.Points.Count) return Send(response, "history", BoardJson.News(now, 0), end);
        return Send(response, "points", BoardJson.News(now, had.Points.Count), end);
    }

    static async Task Send(HttpResponse response, string kind, byte[] json, CancellationToken end)
    {
        await response.WriteAsync($"event: {kind}\ndata: ", end);
        await response.Body.WriteAsync(json, end);
        await response.Body.WriteAsync("\n\n"u8.ToArray(), end);
    }

    public void End() => _end.Cancel();
}
