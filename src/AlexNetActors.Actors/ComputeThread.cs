using System.Collections.Concurrent;

namespace AlexNetActors.Actors;

/// <summary>
/// The one thread that touches a device: kernels never run on the thread pool, where they would starve Akka's heartbeats.
/// Work runs in the order in which it was posted.
/// </summary>
sealed class ComputeThread : IDisposable
{
    readonly BlockingCollection<Action> _work = [];

    public ComputeThread(string name) => new Thread(Run) { Name = name, IsBackground = true }.Start();

    public void Post(Action work) => _work.Add(work);

    void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable()) work();
    }

    /// <summary>Lets the posted work end; the thread then ends by itself.</summary>
    public void Dispose() => _work.CompleteAdding();
}
