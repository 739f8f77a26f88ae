namespace AlexNetActors.Actors;

/// <summary>Who in this process is there for which generation, and what a hello is answered. Safe for any thread.</summary>
sealed class Expectations
{
    readonly record struct Expectation(int Generation, Func<TensorHello, IFrameReceiver> Accept);

    readonly Dictionary<string, Expectation> _expected = [];

    public void Expect(string to, int generation, Func<TensorHello, IFrameReceiver> accept)
    {
        lock (_expected) _expected[to] = new Expectation(generation, accept);
    }

    public void ExpectNothing(string to)
    {
        lock (_expected) _expected.Remove(to);
    }

    /// <returns>The receiver, or why not.</returns>
    /// <exception cref="HelloException">With the line that goes back; <see cref="Refusal.NotYet"/> asks the dialler to come again.</exception>
    public IFrameReceiver Judge(TensorHello hello)
    {
        bool known;
        Expectation expected;
        lock (_expected) known = _expected.TryGetValue(hello.To, out expected);
        if (!known) throw new HelloException(Refusal.NotYet, $"nobody named {hello.To} is there yet");
        if (hello.Generation > expected.Generation) throw new HelloException(Refusal.NotYet, $"generation {hello.Generation} has not begun there yet, now {expected.Generation}");
        if (hello.Generation < expected.Generation) throw new HelloException(Refusal.OldGeneration, $"old generation {hello.Generation}, now {expected.Generation}");
        try
        {
            return expected.Accept(hello);
        }
        catch (FrameRefusedException e)
        {
            throw new HelloException(Refusal.Unwanted, e.Message);
        }
    }
}
