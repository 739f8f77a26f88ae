[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)] // whole clusters on a few cores: one at a time

namespace AlexNetActors.Cluster.Tests;

/// <summary>Waits for conditions, never for time.</summary>
static class Wait
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(240); // for a hang: a busy machine may take minutes

    /// <exception cref="TimeoutException">It has not come true within the deadline; says how it stands.</exception>
    public static void Until(Func<bool> condition, Func<string> state)
    {
        long until = Environment.TickCount64 + (long)Deadline.TotalMilliseconds;
        while (!condition())
        {
            if (Environment.TickCount64 > until) throw new TimeoutException($"not within {Deadline.TotalSeconds} s: {state()}");
            Thread.Sleep(5);
        }
    }
}
