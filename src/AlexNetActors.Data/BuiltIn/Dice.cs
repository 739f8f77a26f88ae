using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>Draws the words of one counter-based stream one after the other.</summary>
internal sealed class Dice(Philox random)
{
    ulong next;

    internal uint Word() => random.Word(next++);

    internal int Below(int n) => (int)random.Below(next++, (uint)n);

    internal double Between(double low, double high) => low + (high - low) * (Word() * (1.0 / 4294967296.0));

    internal double Normal() => DeterministicMath.InverseNormal((Word() + 0.5) * (1.0 / 4294967296.0));

    /// <summary>A direction, every angle equally likely: cosine and sine.</summary>
    internal (double C, double S) Direction()
    {
        double x = Normal(), y = Normal(), length = Math.Sqrt(x * x + y * y);
        return length == 0 ? (1, 0) : (x / length, y / length);
    }
}
