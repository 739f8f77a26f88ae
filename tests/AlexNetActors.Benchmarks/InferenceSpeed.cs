namespace AlexNetActors.Benchmarks;

/// <summary>
/// The forward pass side by side with libtorch: ours is `alexnet evaluate` on the centre views of real pictures, read from packs and scored
/// batch by batch; libtorch sees one batch of noise that lies ready in memory.
/// </summary>
static class InferenceSpeed
{
    /// <param name="args">As <see cref="TrainingSpeed.Run"/>.</param>
    public static int Run(string[] args)
    {
        if (!TrainingSpeed.TryRead(args, out int rounds)) return TrainingSpeed.Refuse("inference");
        var (data, peer) = (args[0], args[1]);
        using var trained = new TrainRun(data);
        trained.Train(steps: 1, Ours.AsBuilt); // weights of the right size: how good they are does not matter here
        SideBySide.Run("Inference, full network, batch 128", $"The median batch of ours after the first, reading and scoring included; the median of {Torch.Inferences} batches of libtorch's. Two threads each.",
        [
            new("alexnet evaluate, centre views, 1,000 classes", () => Ours.Evaluate(trained)),
            new("libtorch as shipped, float32", () => Torch.Infer(peer, Torch.AsShipped, Torch.Plain)),
            new("libtorch at its best, float32", () => Torch.Infer(peer, Torch.Best, Torch.BestAllocator)),
            new("libtorch at its best, bfloat16", () => Torch.Infer(peer, Torch.BestInHalfPrecision, Torch.BestAllocator)),
        ], rounds, $"inference DATA PEER {rounds} OUT", args[3]);
        return 0;
    }
}
