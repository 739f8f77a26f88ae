using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Model;

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
        var recipe = RecipeReader.Read("paper", Settings.None) with { Batch = images };
        var result = OneStep.Of(recipe, recordSize: 256, step, device);
        NamedValues[] values =
        [
            new("step", [1], [step]),
            new("loss", [1], [(float)result.Loss]),
            new("logits", [images, recipe.Network.Classes], result.Logits),
            .. result.Gradients.Select(g => g with { Name = $"d.{g.Name}" }),
        ];
        SafeTensors.Write(args[0], values, new Dictionary<string, string>());
        Console.WriteLine($"{images} images on {device.Name}: loss {result.Loss:R}; now /usr/bin/python3 tests/fixtures/full_width.py {args[0]}");
        return 0;
    }
}
