namespace AlexNetActors.Model;

/// <summary>
/// Notices a run that learns nothing: a loss that sits at ln(classes), what a network scores that finds every class equally likely. Known of
/// the paper's recipe since 2013. Pure: each loss makes the next state.
/// </summary>
/// <param name="Classes">Classes of the data set.</param>
public sealed record StallDetector(int Classes)
{
    const int StretchSteps = 100, StretchesMax = 3;
    const double Nearness = 0.01; // of ln(classes)

    int Steps { get; init; }
    double Sum { get; init; }
    int Stretches { get; init; }

    /// <summary>The last loss made the third stretch in a row whose mean lies at ln(classes): worth saying, once.</summary>
    public bool JustStalled { get; private init; }

    public StallDetector Observe(double loss)
    {
        var next = this with { Steps = Steps + 1, Sum = Sum + loss, JustStalled = false };
        if (next.Steps < StretchSteps) return next;
        double chance = Math.Log(Classes);
        bool near = Math.Abs(next.Sum / StretchSteps - chance) <= Nearness * chance;
        int stretches = near ? Stretches + 1 : 0;
        return next with { Steps = 0, Sum = 0, Stretches = stretches, JustStalled = stretches == StretchesMax };
    }

    /// <summary>What to tell the user.</summary>
    public string Advice => FormattableString.Invariant(
        $"the loss has sat at {Math.Log(Classes):0.00} = ln({Classes}) for {StretchSteps * StretchesMax} steps: the network learns nothing yet; if it stays so, use recipe robust, or lower biases (0.1) and wider initial weights (--set network.conv3.deviation=0.03)");
}
