namespace AlexNetActors.App;

/// <summary>How much memory a run's processes hold together, looked at again and again: one that leaks shows as a sum that grows.</summary>
sealed class ResidentMemory
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    const int Window = 30; // looks: a minute

    readonly List<long> _sums = [];

    /// <summary>Of the process that held most, ever; bytes.</summary>
    public long Largest { get; private set; }

    /// <summary>Medians of a minute: the second one, when everything has been used once, and the last; bytes. Null for a run of less than four minutes.</summary>
    public (long Early, long Late)? Minutes => _sums.Count < 4 * Window ? null : (Of(_sums.Skip(Window).Take(Window)), Of(_sums.TakeLast(Window)));

    /// <param name="processes">Resident bytes of each process that runs now.</param>
    public void Look(IReadOnlyList<long> processes)
    {
        _sums.Add(processes.Sum());
        Largest = processes.Append(Largest).Max();
    }

    static long Of(IEnumerable<long> bytes) => (long)Median.Of(bytes.Select(b => (double)b));
}
