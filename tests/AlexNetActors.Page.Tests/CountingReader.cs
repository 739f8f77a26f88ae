using System.Diagnostics;

namespace AlexNetActors.Page.Tests;

/// <summary>Reads a run's events as a page does, and counts what comes.</summary>
sealed class CountingReader : IAsyncDisposable
{
    readonly HttpClient _http = new();
    readonly CancellationTokenSource _end = new();
    readonly HttpResponseMessage _response;
    readonly Task _reading;
    long _first, _bytes, _begun, _last;

    CountingReader(HttpClient http, HttpResponseMessage response)
    {
        (_http, _response) = (http, response);
        _reading = Read();
    }

    public static async Task<CountingReader> Open(string address)
    {
        var http = new HttpClient();
        return new CountingReader(http, await http.GetAsync($"{address}/api/events", HttpCompletionOption.ResponseHeadersRead));
    }

    /// <summary>Whether it was let in.</summary>
    public bool Reads => _response.IsSuccessStatusCode;

    /// <summary>Of what came after all that the server had at the beginning.</summary>
    public (long Bytes, double Seconds) SinceTheFirstNews => (Interlocked.Read(ref _bytes) - Interlocked.Read(ref _first), Stopwatch.GetElapsedTime(Interlocked.Read(ref _begun), Interlocked.Read(ref _last)).TotalSeconds);

    async Task Read()
    {
        byte[] buffer = new byte[1 << 16];
        bool settled = false;
        try
        {
            await using var stream = await _response.Content.ReadAsStreamAsync(_end.Token);
            long opened = Stopwatch.GetTimestamp();
            for (int read; (read = await stream.ReadAsync(buffer, _end.Token)) > 0;)
            {
                Interlocked.Add(ref _bytes, read);
                Interlocked.Exchange(ref _last, Stopwatch.GetTimestamp());
                if (settled || Stopwatch.GetElapsedTime(opened) < TimeSpan.FromSeconds(1)) continue;
                settled = true;
                Interlocked.Exchange(ref _first, Interlocked.Read(ref _bytes));
                Interlocked.Exchange(ref _begun, Stopwatch.GetTimestamp());
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException)
        {
            // It, or the server, has ended.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _reading;
        _response.Dispose();
        _http.Dispose();
        _end.Dispose();
    }
}
