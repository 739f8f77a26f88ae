using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>What a tower sees of a batch, and dropout on both sides of the split, read off networks whose weights make them visible.</summary>
public sealed class TowerTests
{
    [Fact]
    public void InputIsPixelLessTheMeanUnderItPlusTheColourShift()
    {
        // Both towers' twelve logits are the input itself.
        var network = new Network(2, 24, [new("fc", 24)], LocalResponse.Paper);
        using var device = new ReferenceDevice();
        float[] mean = [.. Enumerable.Range(0, 4 * 4 * 3).Select(n => n * 0.5f)]; // [4, 4, 3]
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(network, id, device, 2, 1, mean, training: false))];
        foreach (var tower in towers) device.Write([.. Enumerable.Range(0, 144).Select(n => n % 13 == 0 ? 1f : 0)], tower.Parameters[0].Value);

        var batch = new Batch(2, 2);
        for (int n = 0; n < batch.Pixels.Length; n++) batch.Pixels[n] = (byte)(10 * n);
        (batch.Placements[0], batch.Placements[1]) = (new(1, 2, Mirrored: false), new(2, 0, Mirrored: true));
        new float[] { 1, 2, 3, -1, -2, -3 }.CopyTo(batch.ColourShift, 0);
        new Pass(towers, new LocalLink()).Evaluate(new PassId(0, PassKind.Evaluate, 0), batch);

        float Expected(int b, int c, int y, int x, int row, int column) => 10 * (((b * 2 + y) * 2 + x) * 3 + c) - mean[(row * 4 + column) * 3 + c] + batch.ColourShift[b * 3 + c];
        for (int b = 0; b < 2; b++)
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < 2; y++)
                    for (int x = 0; x < 2; x++)
                    {
                        float expected = b == 0 ? Expected(b, c, y, x, 1 + y, 2 + x) : Expected(b, c, y, x, 2 + y, 1 - x);
                        int at = b * 24 + c * 4 + y * 2 + x;
                        Assert.Equal((expected, expected), (towers[0].Logits[at], towers[0].Logits[at + 12]));
                    }
    }

    [Fact]
    public void DropoutKeepsTheWordsOfTheWholeLayerAndIsScaledInEvaluation()
    {
        // fc1 gives 1 everywhere, fc2 counts: every logit is the number of features kept.
        const int features = 300, images = 3;
        var network = new Network(1, 2, [new("fc1", features, Bias: 1, Dropout: 0.25), new("fc2", 2, SeesBoth: true)], LocalResponse.Paper);
        using var device = new ReferenceDevice();
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(network, id, device, images, 5, new float[3], training: true))];
        foreach (var tower in towers)
        {
            tower.Initialize();
            device.Write(new float[tower.Parameters[0].Shape.Count], tower.Parameters[0].Value);
            device.Write([.. Enumerable.Repeat(1f, features)], tower.Parameters[2].Value);
        }
        var pass = new Pass(towers, new LocalLink());
        pass.Train(new PassId(0, PassKind.Train, 9), new Batch(images, 1), new Descent(0, 0, 0));
        var words = new Philox(5, Purpose.Dropout, 0, 9);
        for (int b = 0; b < images; b++)
        {
            int kept = Enumerable.Range(0, features).Count(f => words.Word((ulong)(f * images + b)) >= 1u << 30);
            Assert.InRange(kept, 190, 260);
            Assert.Equal((kept, kept), (towers[0].Logits[2 * b], towers[0].Logits[2 * b + 1]));
        }
        pass.Evaluate(new PassId(0, PassKind.Evaluate, 9), new Batch(images, 1));
        Assert.All(towers[0].Logits.ToArray(), logit => Assert.Equal(0.75f * features, logit));
    }

    [Fact]
    public void ExchangesSayWhatTheyAre()
    {
        var (train, evaluate) = (new PassId(3, PassKind.Train, 17), new PassId(3, PassKind.Evaluate, 2));
        Assert.Equal("gather before conv3-conv5 at step 17", new ExchangeId(train, ExchangeKind.Gather, 1).Describe(GoldenNetwork.Network));
        Assert.Equal("gradient sum before fc6 at step 17", new ExchangeId(train, ExchangeKind.Sum, 2).Describe(GoldenNetwork.Network));
        Assert.Equal("gather before the loss at evaluation batch 2", new ExchangeId(evaluate, ExchangeKind.Gather, 5).Describe(GoldenNetwork.Network));
    }
}
