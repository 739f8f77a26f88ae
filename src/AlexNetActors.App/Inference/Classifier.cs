using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>Both towers of a trained network on one device and thread, for looking at pictures: no actors, no gradients.</summary>
sealed class Classifier : IDisposable
{
    readonly IDevice _device;
    readonly Tower[] _towers;
    readonly Pass _pass;
    readonly double[] _probabilities; // [B, classes], sums over views

    /// <param name="network">The weights and where they came from.</param>
    /// <param name="recipe">Its run's recipe.</param>
    /// <param name="factory">The device.</param>
    public Classifier(TrainedNetwork network, Recipe recipe, DeviceFactory factory)
    {
        _device = factory.Open();
        Recipe = recipe;
        RecordSize = network.Manifest.RecordSize;
        float[] mean = network.Run.ReadMean(network.Manifest);
        _towers = [.. TowerIds.Both.Select(id => new Tower(recipe.Network, id, _device, recipe.Batch, recipe.Seed, mean, training: false))];
        foreach (var tower in _towers) TowerStates.Restore(tower, network.Towers[(int)tower.Id]);
        _pass = new Pass(_towers, new LocalLink());
        _probabilities = new double[recipe.Batch * recipe.Network.Classes];
    }

    public Recipe Recipe { get; }
    public int RecordSize { get; }

    /// <summary>Softmax averaged over the views of a batch (paper section 4.1).</summary>
    /// <param name="views">1 or <see cref="View.Count"/>.</param>
    /// <param name="fill">Fills the batch with a view of its pictures.</param>
    /// <param name="batch">Filled again for each view.</param>
    /// <returns>[B, classes], valid until the next call.</returns>
    public ReadOnlySpan<double> Classify(int views, Action<int> fill, Batch batch)
    {
        int classes = Recipe.Network.Classes;
        Array.Clear(_probabilities);
        for (int view = 0; view < views; view++)
        {
            fill(view);
            _pass.Evaluate(new PassId(0, PassKind.Evaluate, view), batch);
            for (int b = 0; b < batch.Size; b++) Loss.AddSoftmax(_towers[0].Logits.Slice(b * classes, classes), _probabilities.AsSpan(b * classes, classes));
        }
        for (int i = 0; i < _probabilities.Length; i++) _probabilities[i] /= views;
        return _probabilities;
    }

    /// <summary>What the last layer has seen of each picture of the last view, both towers' halves: [B, features].</summary>
    public float[] Features()
    {
        var seen = _towers[0].InputOf(Recipe.Network.Segments.Count - 1);
        float[] features = new float[seen.Shape.Count];
        _device.ReadChannels(seen, 0, seen.Shape.Channels, features);
        return features;
    }

    public void Dispose() => _device.Dispose();
}
