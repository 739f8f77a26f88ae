using AlexNetActors.App;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>A network's weights, built-in pictures as its files want them, and the logits that the towers gave for them.</summary>
/// <param name="Network">Both towers as one.</param>
/// <param name="Values">Its parameters and the mean image.</param>
/// <param name="Pictures">[N, 3, S, S], RGB, 0..255.</param>
/// <param name="Logits">[N, classes]</param>
sealed record ShownPictures(WholeNetwork Network, NamedValues[] Values, float[] Pictures, float[] Logits)
{
    public int Count => Logits.Length / Network.Network.Classes;
    public int Side => Network.Network.InputSize;

    /// <param name="recipeName">A recipe that comes with the program.</param>
    /// <param name="pictures">How many.</param>
    /// <param name="batch">Of a pass and of a step.</param>
    /// <param name="recordSize">Side of a picture before it is cut.</param>
    /// <param name="steps">Trained before.</param>
    public static ShownPictures Of(string recipeName, int pictures, int batch, int recordSize, int steps)
    {
        using var folder = new Data.TemporaryFolder();
        using var data = BuiltInPictures.Create(folder["pictures"], new BuiltInSettings(Training: 2 * batch, pictures, recordSize));
        var recipe = RecipeReader.Read(recipeName, Settings.None) with { Batch = batch };
        using var device = new CpuDevice(1);
        float[] mean = data.Mean.ToArray();
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(recipe.Network, id, device, batch, recipe.Seed, mean, training: steps > 0))];
        foreach (var tower in towers) tower.Initialize();
        var pass = new Pass(towers, new LocalLink());
        var reader = new BatchReader(data, recipe.Augmentation, recipe.Seed, batch);
        var read = reader.NewBatch();
        for (int step = 0; step < steps; step++)
        {
            reader.ReadTraining(step, read);
            pass.Train(new PassId(0, PassKind.Train, step), read, recipe.DescentAt(recipe.Schedule.InitialRate));
        }
        var (crops, logits) = (new List<float>(), new List<float>());
        for (int n = 0; n < reader.ValidationBatches; n++)
        {
            reader.ReadValidation(n, read);
            pass.Evaluate(new PassId(0, PassKind.Evaluate, n), read);
            int images = read.Labels.Count(l => l >= 0);
            for (int b = 0; b < images; b++) crops.AddRange(Planes(read.Image(b)));
            logits.AddRange(towers[0].Logits[..(images * recipe.Network.Classes)]);
        }
        var whole = new WholeNetwork(recipe.Network);
        TowerState[] states = [.. towers.Select(t => TowerStates.Capture(t))];
        return new ShownPictures(whole, [.. whole.Merge(states[0], states[1]), whole.CentreMean(mean, recordSize)], [.. crops], [.. logits]);
    }

    /// <summary>[S, S, 3] to [3, S, S].</summary>
    static float[] Planes(ReadOnlySpan<byte> pixels)
    {
        var planes = new float[pixels.Length];
        for (int i = 0; i < pixels.Length; i++) planes[i % 3 * (pixels.Length / 3) + i / 3] = pixels[i];
        return planes;
    }

    /// <summary>The largest error over the root mean square of what it ought to be: logits near 0 are sums of large numbers.</summary>
    public double ErrorOf(ReadOnlySpan<float> logits)
    {
        Assert.Equal(Logits.Length, logits.Length);
        double worst = 0, squares = 0;
        for (int i = 0; i < Logits.Length; i++)
        {
            worst = Math.Max(worst, Math.Abs(logits[i] - (double)Logits[i]));
            squares += (double)Logits[i] * Logits[i];
        }
        return worst / Math.Sqrt(squares / Logits.Length);
    }
}
