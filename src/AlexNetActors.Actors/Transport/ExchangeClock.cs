using System.Diagnostics;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// When the exchanges of a pass happened, as one tower saw them: the time line of a step. Between giving and asking the tower computed, and
/// the exchange was hidden; between asking and getting it waited.
/// </summary>
sealed class ExchangeClock(Network network)
{
    readonly Moments[] _moments = new Moments[2 * (network.Segments.Count + 1)]; // by exchange

    struct Moments
    {
        public long Given, Arrived, Asked, Got; // time stamps
    }

    ref Moments Of(ExchangeId e) => ref _moments[2 * e.Segment + (int)e.Kind];

    public void Given(ExchangeId e) => Of(e).Given = Stopwatch.GetTimestamp();

    /// <summary>On a connection's thread, or the actor's.</summary>
    public void Arrived(ExchangeId e) => Volatile.Write(ref Of(e).Arrived, Stopwatch.GetTimestamp());

    public void Asked(ExchangeId e) => Of(e).Asked = Stopwatch.GetTimestamp();

    public void Got(ExchangeId e) => Of(e).Got = Stopwatch.GetTimestamp();

    /// <summary>Milliseconds from <paramref name="start"/>, in the order in which the pass met them.</summary>
    public ExchangeTime[] TimesSince(long start)
    {
        double Ms(long stamp) => Stopwatch.GetElapsedTime(start, stamp).TotalMilliseconds;
        return [.. Enumerable.Range(0, _moments.Length)
            .Where(i => _moments[i].Got >= start)
            .OrderBy(i => _moments[i].Got)
            .Select(i => new ExchangeTime((byte)(i % 2), (byte)(i / 2), Ms(_moments[i].Given), Ms(Volatile.Read(ref _moments[i].Arrived)), Ms(_moments[i].Asked), Ms(_moments[i].Got)))];
    }
}
