using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>N(0, deviation) weights and constant biases (paper section 5), numbered in the whole network. Their values are PyTorch fixtures' too.</summary>
public sealed class InitialWeightsTests
{
    static readonly Network Network = new(32, 10,
    [
        new("conv1", 64, Size: 11, Pad: 5, Deviation: 0.01f, Pool: true),
        new("conv2", 64, Size: 5, Pad: 2, Deviation: 0.03f, Bias: 1, Pool: true),
        new("fc3", 64, SeesBoth: true, Deviation: 0.005f, Bias: 0.1f),
        new("fc4", 10, SeesBoth: true, Deviation: 2),
    ], LocalResponse.Paper);

    static float[] Whole(string name, ulong seed)
    {
        using var device = new ReferenceDevice();
        return [.. TowerIds.Both.SelectMany(id =>
        {
            var tower = new Tower(Network, id, device, 1, seed, new float[32 * 32 * 3], training: false);
            tower.Initialize();
            return TowerStates.Capture(tower).Values.Single(v => v.Name == name).Data;
        })];
    }

    [Fact]
    public void MomentsAreTheTables()
    {
        foreach (var spec in Network.Layers.Select(l => l.Spec))
        {
            float[] weights = Whole(spec.Name + ".weight", seed: 1);
            double mean = weights.Average(), n = weights.Length;
            Assert.Equal(0, mean, 5 * spec.Deviation / Math.Sqrt(n));
            Assert.Equal(spec.Deviation, Math.Sqrt(weights.Average(w => (w - mean) * (w - mean))), 5 * spec.Deviation / Math.Sqrt(2 * n));
            Assert.All(Whole(spec.Name + ".bias", seed: 1), b => Assert.Equal(spec.Bias, b));
        }
    }

    [Fact]
    public void NumberOfAWeightIsItsPlaceInTheWholeNetwork()
    {
        for (int layer = 0; layer < Network.Layers.Count; layer++)
        {
            float[] weights = Whole(Network.Layers[layer].Name + ".weight", seed: 7), expected = new float[weights.Length];
            new Philox(7, Purpose.Weights, (byte)layer, 0).FillNormal(0, Network.Layers[layer].Spec.Deviation, expected);
            Assert.Equal(expected, weights);
        }
    }

    [Fact]
    public void SeedsAndLayersDiffer()
    {
        Assert.NotEqual(Whole("conv1.weight", 1), Whole("conv1.weight", 2));
        Assert.NotEqual(Whole("conv1.weight", 1)[0] / 0.01f, Whole("conv2.weight", 1)[0] / 0.03f, 1e-3f);
    }
}
