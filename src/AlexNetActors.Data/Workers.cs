using System.Runtime.ExceptionServices;

namespace AlexNetActors.Data;

/// <summary>Work on dedicated threads: the thread pool belongs to the actors, whose heartbeats must not wait.</summary>
internal static class Workers
{
    /// <summary>Runs the work on so many threads and returns when all have ended; the first exception of any is thrown here.</summary>
    internal static void Run(int threads, string name, Action<int> work)
    {
        ExceptionDispatchInfo? first = null;
        var all = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            int worker = i;
            all[i] = new Thread(() =>
            {
                try
                {
                    work(worker);
                }
                catch (Exception e) // carried to the caller's thread, whatever it is
                {
                    Interlocked.CompareExchange(ref first, ExceptionDispatchInfo.Capture(e), null);
                }
            })
            { IsBackground = true, Name = $"{name} {i}" };
            all[i].Start();
        }
        foreach (var thread in all) thread.Join();
        first?.Throw();
    }
}
