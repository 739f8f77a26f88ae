using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Tests.Model;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// One training step of the paper's network at its full width: writes logits, loss and every gradient for tests/fixtures/full_width.py,
/// which computes the same with PyTorch in float64 and says how far they are apart. Too long for the test suite.
/// <code>dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- full-width-step OUT.safetensors [images] [step] [device] [threads]</code>
/// </summary>
static class FullWidthStep
{
    public static int Run(string[] args)
    {
        if (args.Length == 0)
        {
            Console.Error.WriteLine("full-width-step expects a file to write");
            return 2;
        }
        int Number(int at, int otherwise) => args.Length > at ? int.Parse(args[at]) : otherwise;
        int images = Number(1, 32), step = Number(2, 0);
        using var device = DeviceCatalog.Find(args.Length > 3 ? args[3] : "cpu").Open(Number(4, 2));
        var recipe = RecipeReader.Read("paper", Settings.None);
        var batches = new GoldenBatches(recipe.Seed, recipe.Network.InputSize, record: 256, recipe.Network.Classes);
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(recipe.Network, id, device, images, recipe.Seed, batches.Mean(), training: true))];
        foreach (var tower in towers) tower.Initialize();
        var batch = new Batch(images, recipe.Network.InputSize);
        batches.Fill(batch, step);
        var score = new Pass(towers, new LocalLink()).Train(new PassId(0, PassKind.Train, step), batch, new Descent(0, 0, 0)).Score;

        NamedValues[] results =
        [
            new("step", [1], [step]),
            new("loss", [1], [(float)score.Loss]),
            new("logits", [images, recipe.Network.Classes], towers[0].Logits.ToArray()),
            .. towers[0].Parameters.Select((p, i) => new NamedValues($"d.{p.Name}", [2 * (int)p.Shape.Count], [.. towers.SelectMany(t => Read(t, t.Parameters[i].Gradient!))])),
        ];
        SafeTensors.Write(args[0], results, new Dictionary<string, string>());
        Console.WriteLine($"{images} images on {device.Name}: loss {score.Loss:R}; now /usr/bin/python3 tests/fixtures/full_width.py {args[0]}");
        return 0;
    }

    static float[] Read(Tower tower, Tensor tensor)
    {
        var values = new float[tensor.Shape.Count];
        tower.Device.Read(tensor, values);
        return values;
    }
}
