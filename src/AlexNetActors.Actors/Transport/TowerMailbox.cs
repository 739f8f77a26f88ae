using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>A pass that was called off: the other tower is gone, too late, or the group stops.</summary>
sealed class PassAbortedException(string message) : Exception(message);

/// <summary>
/// Where a tower's compute thread meets what its actor heard from the other tower. The actor puts, the compute thread waits,
/// with a deadline; the actor stays free to hear that the pass is called off.
/// <para>Where the other tower's device reaches this one's memory, it is told where its portion lies; elsewhere it gets canonical values.</para>
/// </summary>
sealed class TowerMailbox(Network network, TimeSpan deadline, Action<ActivationReady> send, bool sharedMemory) : ITowerLink
{
    readonly Lock _lock = new();
    readonly ManualResetEventSlim _arrived = new(false, spinCount: 20);
    readonly Dictionary<ExchangeId, Portion> _portions = [];
    string? _aborted;

    public void Send(TowerId from, ExchangeId exchange, Portion portion)
    {
        if (sharedMemory) portion.Settle();
        send(new ActivationReady(exchange, from, sharedMemory ? portion : new Portion(portion.ToCanonical())));
    }

    /// <summary>From the actor: the other tower's portion.</summary>
    public void Put(ActivationReady message)
    {
        lock (_lock)
        {
            _portions[message.Exchange] = message.Portion;
            _arrived.Set();
        }
    }

    /// <summary>From the actor: whatever the compute thread waits for will not come.</summary>
    public void Abort(string reason)
    {
        lock (_lock)
        {
            _aborted = reason;
            _arrived.Set();
        }
    }

    /// <exception cref="PassAbortedException">The deadline passed, or the pass was called off.</exception>
    public Portion Receive(TowerId to, ExchangeId exchange)
    {
        long until = Environment.TickCount64 + (long)deadline.TotalMilliseconds;
        while (true)
        {
            lock (_lock)
            {
                if (_aborted is not null) throw new PassAbortedException(_aborted);
                if (_portions.Remove(exchange, out var portion)) return portion;
                _arrived.Reset();
            }
            long left = until - Environment.TickCount64;
            if (left <= 0 || !_arrived.Wait(TimeSpan.FromMilliseconds(left)))
                throw new PassAbortedException($"tower {to} waited {deadline.TotalSeconds:0.#} s for tower {to.Other()}'s {exchange.Describe(network)}");
        }
    }
}
