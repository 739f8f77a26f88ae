using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>One meeting of the towers and the bytes that each sends in it, in a training step.</summary>
/// <param name="Name">"conv3-conv5": what the exchange feeds.</param>
/// <param name="Forward">Bytes of the gather.</param>
/// <param name="Backward">Bytes of the gradient sum.</param>
sealed record ExchangePlan(string Name, long Forward, long Backward);

/// <summary>What a recipe costs, before anything is trained.</summary>
/// <param name="Exchanges">In forward order.</param>
/// <param name="ActivationBytes">Of one tower on its device, activations and their gradients.</param>
/// <param name="WeightBytes">Of one tower on its device: weights, gradients, velocities.</param>
/// <param name="GpuTensorBytes">Of one tower's tensors on a GPU, which fills them up.</param>
/// <param name="GpuBytes">The same with the working memory, at most.</param>
/// <param name="ForwardFlop">Of one image, both towers.</param>
/// <param name="StepFlop">Of one image forward and backward, both towers: nobody asks for the gradient by the pictures.</param>
sealed record NetworkPlan(IReadOnlyList<ExchangePlan> Exchanges, long ActivationBytes, long WeightBytes, long GpuTensorBytes, long GpuBytes, long ForwardFlop, long StepFlop)
{
    const int MeanSide = 1; // the mean image is the data set's, not the network's

    public static NetworkPlan Of(Recipe recipe)
    {
        var network = recipe.Network;
        using var device = new CountingDevice();
        _ = new Tower(network, TowerId.A, device, recipe.Batch, recipe.Seed, new float[3 * MeanSide * MeanSide], training: true);
        long macs = network.MultiplyAccumulates;
        long Bytes(long floatsOfBoth) => sizeof(float) * recipe.Batch * floatsOfBoth / 2;
        return new NetworkPlan(
            [
                .. network.Segments.Skip(1).Select(s => new ExchangePlan(s.Name, Bytes(s.Input.Count), Bytes(s.Input.Count))),
                new ExchangePlan("loss", Bytes(network.Classes), 0),
            ],
            device.ActivationBytes, device.WeightBytes, device.GpuTensorBytes, device.GpuBytes, 2 * macs, 2 * (3 * macs - network.Layers[0].MultiplyAccumulates));
    }
}
