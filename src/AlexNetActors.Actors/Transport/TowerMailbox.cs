using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>A pass that cannot be finished.</summary>
/// <param name="message">Who waited for what.</param>
/// <param name="calledOff">Whether somebody else has already said why: the other tower is gone, the group is no more.</param>
sealed class PassAbortedException(string message, bool calledOff) : Exception(message)
{
    public bool CalledOff { get; } = calledOff;
}

/// <summary>
/// Where a tower's compute thread meets what came from the other tower. Whoever hears of it puts, the compute thread waits, with a
/// deadline; the actor stays free to hear that the pass is called off. One for each group.
/// </summary>
sealed class TowerMailbox(Network network, TimeSpan deadline, Action<ActivationReady> send) : ITowerLink
{
    readonly Lock _lock = new();
    readonly ManualResetEventSlim _arrived = new(false, spinCount: 20);
    readonly Dictionary<ExchangeId, Portion> _portions = [];
    readonly ExchangeClock _clock = new(network);
    string? _aborted;

    public void Send(TowerId from, ExchangeId exchange, Portion portion)
    {
        _clock.Given(exchange);
        send(new ActivationReady(exchange, from, portion));
    }

    /// <summary>On the compute thread, after a pass that began at this time stamp: when its exchanges happened.</summary>
    public ExchangeTime[] TimesSince(long start) => _clock.TimesSince(start);

    /// <summary>From any thread: the other tower's portion.</summary>
    public void Put(ActivationReady message)
    {
        _clock.Arrived(message.Exchange);
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
        _clock.Asked(exchange);
        long until = Environment.TickCount64 + (long)deadline.TotalMilliseconds;
        while (true)
        {
            lock (_lock)
            {
                if (_aborted is not null) throw new PassAbortedException(_aborted, calledOff: true);
                if (_portions.Remove(exchange, out var portion))
                {
                    _clock.Got(exchange);
                    return portion;
                }
                _arrived.Reset();
            }
            long left = until - Environment.TickCount64;
            if (left <= 0 || !_arrived.Wait(TimeSpan.FromMilliseconds(left)))
                throw new PassAbortedException($"tower {to} waited {deadline.TotalSeconds:0.#} s for tower {to.Other()}'s {exchange.Describe(network)}", calledOff: false);
        }
    }
}
