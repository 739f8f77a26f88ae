using System.Diagnostics;

namespace AlexNetActors.App;

/// <summary>How far something is, in a line every few seconds, however often it is told.</summary>
sealed class ProgressLines(TextWriter log)
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);
    long _last = Stopwatch.GetTimestamp();

    public void Tell(Func<string> line)
    {
        if (Stopwatch.GetElapsedTime(_last) < Interval) return;
        _last = Stopwatch.GetTimestamp();
        log.WriteLine(line());
    }
}
