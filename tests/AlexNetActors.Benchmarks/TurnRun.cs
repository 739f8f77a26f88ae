using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// A run that trains only while it has its turn: the speed of shared machines drifts within a minute, so what is compared takes turns of
/// seconds. It is commanded as the buttons of its dashboard do, which its processes have to be started with.
/// </summary>
/// <param name="log">Where the process with the coordinator says what happens.</param>
/// <param name="folder">Of the run.</param>
sealed partial class TurnRun(string log, string folder) : IDisposable
{
    static readonly TimeSpan TurnMax = TimeSpan.FromMinutes(5), LookInterval = TimeSpan.FromMilliseconds(100);
    readonly HttpClient _http = new();

    /// <summary>Trains, from where it stands, and pauses.</summary>
    /// <param name="steps">How many at least; it may be one more.</param>
    /// <returns>The metrics of its steps, but for those that follow a pause, a validation or a checkpoint: their time has that in it.</returns>
    public IReadOnlyList<JsonElement> Turn(int steps)
    {
        Wait("the dashboard", () => Dashboard().Success);
        int lines = Lines().Length, had = Lines().Count(MetricsFile.IsStep);
        Wait("the run", () => Order("continue"));
        Wait($"{steps} steps", () => Lines().Count(MetricsFile.IsStep) >= had + steps);
        Order("pause");
        Wait("the pause", () => JsonDocument.Parse(_http.GetStringAsync($"{Dashboard().Groups["address"].Value}/api/run").Result).RootElement.GetProperty("paused").GetBoolean());
        return MetricsFile.StepsAfterSteps(Lines()[lines..]);
    }

    /// <returns>Whether there is a run to command.</returns>
    bool Order(string what)
    {
        var found = Dashboard();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{found.Groups["address"].Value}/api/{what}") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", found.Groups["token"].Value) } };
        using var answer = _http.Send(request);
        if (answer.StatusCode == HttpStatusCode.Conflict) return false;
        answer.EnsureSuccessStatusCode();
        return true;
    }

    void Wait(string what, Func<bool> come)
    {
        for (long start = Stopwatch.GetTimestamp(); !come(); Thread.Sleep(LookInterval))
            if (Stopwatch.GetElapsedTime(start) > TurnMax) throw new TimeoutException($"waited {TurnMax} for {what}: {Read(log)}");
    }

    Match Dashboard() => DashboardLine().Match(Read(log));

    string[] Lines() => MetricsFile.WholeLines(folder);

    static string Read(string file) => File.Exists(file) ? MetricsFile.ReadShared(file) : "";

    public void Dispose() => _http.Dispose();

    [GeneratedRegex(@"dashboard on (?<address>\S+), token for its buttons (?<token>\S+)")]
    private static partial Regex DashboardLine();
}
