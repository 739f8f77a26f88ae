using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>
/// Everything that determines the numbers of a run. Read once from HOCON (the defaults live there and nowhere else); with the data set and the
/// kind of device it fixes every bit of the weights.
/// </summary>
/// <param name="Name">As it is shown.</param>
/// <param name="Network">The layer table.</param>
/// <param name="Seed">Of every random number.</param>
/// <param name="Batch">Images in a step.</param>
/// <param name="Momentum">Of the update rule (paper section 5): 0.9.</param>
/// <param name="WeightDecay">Of the update rule: 0.0005.</param>
/// <param name="Schedule">How the learning rate falls.</param>
/// <param name="Augmentation">What is done to a training record; its crop is as large as the network's input.</param>
/// <param name="EpochsMax">Epochs after which the run ends, whatever the schedule says.</param>
/// <param name="CheckpointSteps">Steps between checkpoints; there is always one after a validation and at the end.</param>
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
