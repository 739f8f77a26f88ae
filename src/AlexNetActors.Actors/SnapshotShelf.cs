using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// The towers' snapshots in this node's memory: of each tower the last that is whole everywhere, and the next one while it is made or received.
/// It outlives groups and actor systems, not the process. Safe for any thread.
/// </summary>
public sealed class SnapshotShelf
{
    const int SlotsPerTower = 2;

    static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    readonly object _lock = new(); // pulsed by an announcement
    readonly Slot[][] _slots = [.. TowerIds.Both.Select(_ => Enumerable.Range(0, SlotsPerTower).Select(_ => new Slot()).ToArray())];
    Network? _network;
    string _identity = "";
    RunProgress? _next;
    long _keep = -1;

    sealed class Slot
    {
        public TowerState? State;
        public RunProgress? Progress; // of what lies or is being written here
        public bool Whole;
    }

    /// <summary>Highest incarnation of a group that this process has heard of, also in another cluster.</summary>
    public int Generation { get; set; }

    /// <summary>What this node holds has changed; on any thread.</summary>
    public event Action? Changed;

    /// <summary>Whole snapshots.</summary>
    public HeldSnapshot[] Held
    {
        get
        {
            lock (_lock) return [.. TowerIds.Both.SelectMany(t => _slots[(int)t].Where(s => s.Whole).Select(s => new HeldSnapshot(t, _identity, s.Progress!)))];
        }
    }

    /// <summary>Snapshots of this run at this point are about to be written; what is of another run is forgotten.</summary>
    /// <param name="network">Whose they are.</param>
    /// <param name="identity">The run's.</param>
    /// <param name="progress">How far it is with them.</param>
    /// <param name="keep">Steps of the snapshots that are not overwritten meanwhile; -1 for none.</param>
    public void Announce(Network network, string identity, RunProgress progress, long keep)
    {
        lock (_lock)
        {
            if (identity != _identity)
            {
                foreach (var slot in _slots.SelectMany(s => s)) (slot.Whole, slot.State) = (false, null); // another network's sizes
            }
            (_network, _identity, _next, _keep) = (network, identity, progress, keep);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Memory for what was announced: the slot that need not be kept, not whole from now on. Waits for the announcement, which may be on its way.</summary>
    /// <param name="tower">Whose snapshot.</param>
    /// <param name="steps">After how many steps.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <param name="givenUp">Whether nobody wants it any more; looked at now and then.</param>
    /// <returns>
    /// The memory, and whether the snapshot lies there whole already: then nothing may be written there, as what comes may be damaged on its way and that
    /// would be seen too late. Null when the announcement does not come.
    /// </returns>
    public (TowerState State, bool Whole)? Room(TowerId tower, long steps, TimeSpan deadline, Func<bool>? givenUp = null)
    {
        long until = Environment.TickCount64 + (long)deadline.TotalMilliseconds;
        lock (_lock)
        {
            while (true)
            {
                if (_next?.Steps == steps)
                {
                    var slot = _slots[(int)tower].FirstOrDefault(s => s.Progress?.Steps == steps) ?? _slots[(int)tower].OrderBy(s => s.Whole).ThenBy(s => s.Progress?.Steps).First(s => !s.Whole || s.Progress!.Steps != _keep);
                    if (slot.Progress?.Steps != steps) slot.Whole = false;
                    slot.Progress = _next;
                    return (slot.State ??= TowerStates.Empty(_network!, tower), slot.Whole);
                }
                var left = TimeSpan.FromMilliseconds(until - Environment.TickCount64);
                if (left <= TimeSpan.Zero || givenUp?.Invoke() == true) return null;
                Monitor.Wait(_lock, left < LookInterval ? left : LookInterval);
            }
        }
    }

    /// <summary>What was written into the <see cref="Room"/> is whole.</summary>
    public void Put(TowerId tower, long steps)
    {
        lock (_lock)
        {
            if (_slots[(int)tower].FirstOrDefault(s => s.Progress?.Steps == steps) is not { } slot) return;
            slot.Whole = true;
        }
        Changed?.Invoke();
    }

    /// <returns>Null when it is not here, or not whole.</returns>
    public TowerState? Find(TowerId tower, long steps)
    {
        lock (_lock) return _slots[(int)tower].FirstOrDefault(s => s.Whole && s.Progress!.Steps == steps)?.State;
    }
}
