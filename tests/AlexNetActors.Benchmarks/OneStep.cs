using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Tests.Model;

namespace AlexNetActors.Benchmarks;

/// <summary>One training step of both towers on one device, from the initial weights, on a batch of tests/fixtures/alexnet.py.</summary>
/// <param name="Loss">Of the batch.</param>
/// <param name="Logits">[B, classes].</param>
/// <param name="Gradients">By every weight and bias, both towers' one after the other.</param>
sealed record OneStep(double Loss, float[] Logits, IReadOnlyList<NamedValues> Gradients)
{
    /// <param name="recipe">Its network, seed and batch.</param>
    /// <param name="recordSize">Side of the mean image.</param>
    /// <param name="step">Which of its batches.</param>
    /// <param name="device">Where both towers live.</param>
    public static OneStep Of(Recipe recipe, int recordSize, int step, IDevice device)
    {
        var batches = new GoldenBatches(recipe.Seed, recipe.Network.InputSize, recordSize, recipe.Network.Classes);
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(recipe.Network, id, device, recipe.Batch, recipe.Seed, batches.Mean(), training: true))];
        foreach (var tower in towers) tower.Initialize();
        var batch = new Batch(recipe.Batch, recipe.Network.InputSize);
        batches.Fill(batch, step);
        var score = new Pass(towers, new LocalLink()).Train(new PassId(0, PassKind.Train, step), batch, new Descent(0, 0, 0)).Score;
        return new OneStep(score.Loss, towers[0].Logits.ToArray(),
            [.. towers[0].Parameters.Select((p, i) => new NamedValues(p.Name, [2 * (int)p.Shape.Count], [.. towers.SelectMany(t => Read(t, t.Parameters[i].Gradient!))]))]);
    }

    static float[] Read(Tower tower, Tensor tensor)
    {
        var values = new float[tensor.Shape.Count];
        tower.Device.Read(tensor, values);
        return values;
    }
}
