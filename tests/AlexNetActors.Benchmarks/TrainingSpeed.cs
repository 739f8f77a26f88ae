namespace AlexNetActors.Benchmarks;

/// <summary>
/// Full training steps side by side with libtorch: ours is the `alexnet` program itself, with its actors, its loaders and real data from
/// packs; libtorch trains on one batch of noise that lies ready in memory.
/// </summary>
static class TrainingSpeed
{
    static readonly string Conditions = $"The median of {Ours.Steps - Ours.WarmSteps} steady steps of ours and {Torch.Steps} of libtorch's a round. Two threads each. Ours reads real pictures from packs.";

    /// <param name="args">A data set of 256-pixel records; the built TorchSharp peer, a folder with peer.sh; how often each contender runs; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (!TryRead(args, out int rounds)) return Refuse("training");
        var (data, peer) = (args[0], args[1]);
        SideBySide.Run("Training, full network, batch 128", Conditions,
        [
            new("alexnet train --recipe paper, 1,000 classes, two GPU actors", () => Ours.Train(data, Ours.AsBuilt)),
            new("libtorch as shipped, float32", () => Torch.Train(peer, Torch.AsShipped, Torch.Plain)),
            new("libtorch at its best, float32", () => Torch.Train(peer, Torch.Best, Torch.BestAllocator)),
            new("libtorch at its best, bfloat16", () => Torch.Train(peer, Torch.BestInHalfPrecision, Torch.BestAllocator)),
        ], rounds, $"training DATA PEER {rounds} OUT", args[3]);
        return 0;
    }

    /// <summary>The same on a processor without AVX-512, or as if it had none.</summary>
    public static int RunAvx2(string[] args)
    {
        if (!TryRead(args, out int rounds)) return Refuse("training-avx2");
        var (data, peer) = (args[0], args[1]);
        string vectors = Ours.Vectors(Ours.Avx2);
        if (vectors != "Vector256") throw new InvalidOperationException($"with {string.Join(' ', Ours.Avx2)} ours computes with {vectors}, not with Vector256");
        SideBySide.Run("Training without AVX-512, full network, batch 128", $"{Conditions} Ours says {vectors} under {Named(Ours.Avx2)}; libtorch runs under {Named(Torch.Avx2)}.",
        [
            new("alexnet train --recipe paper, 1,000 classes, two GPU actors, AVX2", () => Ours.Train(data, Ours.Avx2)),
            new("libtorch at its best, float32, AVX2", () => Torch.Train(peer, Torch.Best, Torch.BestAllocatorAvx2)),
        ], rounds, $"training-avx2 DATA PEER {rounds} OUT", args[3]);
        return 0;
    }

    /// <summary>DATA PEER ROUNDS OUT.</summary>
    public static bool TryRead(string[] args, out int rounds)
    {
        rounds = 0;
        return args.Length == 4 && int.TryParse(args[2], out rounds) && rounds > 0;
    }

    public static int Refuse(string name)
    {
        Console.Error.WriteLine($"expected: {name} DATA PEER ROUNDS OUT");
        return 2;
    }

    static string Named(IReadOnlyDictionary<string, string> environment) => string.Join(" ", environment.Select(v => $"`{v.Key}={v.Value}`"));
}
