using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>
/// A step of a small network with the layers of a large one: afterwards the runtime has compiled what a step of the large one runs.
/// It touches nothing but its device.
/// </summary>
public static class WarmUp
{
    const int InputDivisor = 3, KernelsMax = 64;

    /// <param name="network">The network that is to be trained.</param>
    /// <param name="device">Of the kind that it will be trained on; the caller keeps ownership.</param>
    public static void Run(Network network, IDevice device)
    {
        var small = Miniature(network);
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(small, id, device, batch: 1, seed: 0, new float[3 * small.InputSize * small.InputSize], training: true))];
        foreach (var tower in towers) tower.Initialize();
        new Pass(towers, new LocalLink()).Train(new PassId(0, PassKind.Train, 0), new Batch(1, small.InputSize), new Descent(0, 0, 0));
    }

    static Network Miniature(Network network)
    {
        LayerSpec[] table = [.. network.Layers.Select(l => l.Spec with { Kernels = Math.Min(KernelsMax, l.Spec.Kernels) })];
        Network Of(int inputSize) => new(inputSize, table[^1].Kernels, table, network.Response);
        try
        {
            return Of(network.InputSize / InputDivisor);
        }
        catch (RecipeException) // its pools do not fit: the network is small anyway
        {
            return Of(network.InputSize);
        }
    }
}
