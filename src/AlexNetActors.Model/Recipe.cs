using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>
/// Everything that determines the numbers of a run. Read once from HOCON (the defaults live there and nowhere else); with the data set and the
/// kind of device it fixes every bit of the weights.
/// </summary>
public sealed record Recipe(
    string Name,
    Network Network,
    ulong Seed,
    int Batch,
    float Momentum,
    float WeightDecay,
    LearningRateSchedule Schedule,
    Augmentation Augmentation,
    int EpochsMax,
    int CheckpointSteps)
{
    public Descent DescentAt(float rate) => new(rate, Momentum, WeightDecay);
}
