namespace AlexNetActors.Tests.Actors.Simulation;

/// <summary>A clock that jumps from event to event; every random number of a schedule comes from its one seed.</summary>
sealed class VirtualTime(ulong seed)
{
    readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    readonly Random _random = new(unchecked((int)(seed ^ (seed >> 32))));
    long _order;

    /// <summary>Milliseconds.</summary>
    public long Now { get; private set; }

    public long EventsDone { get; private set; }

    public void After(long ms, Action happens) => _events.Enqueue(happens, (Now + ms, _order++));

    /// <returns>False when nothing is left to happen.</returns>
    public bool Next()
    {
        if (!_events.TryDequeue(out var happens, out var when)) return false;
        Now = when.At;
        EventsDone++;
        happens();
        return true;
    }

    /// <summary>From low to high, both possible.</summary>
    public int Between(int low, int high) => _random.Next(low, high + 1);

    public bool Chance(double probability) => _random.NextDouble() < probability;

    public T Any<T>(IReadOnlyList<T> of) => of[_random.Next(of.Count)];
}
