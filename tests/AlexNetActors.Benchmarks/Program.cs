using AlexNetActors.Benchmarks;

var benchmarks = new Dictionary<string, Func<string[], int>>
{
    ["training"] = TrainingSpeed.Run,
    ["training-avx2"] = TrainingSpeed.RunAvx2,
    ["inference"] = InferenceSpeed.Run,
    ["startup"] = StartUp.Run,
    ["data"] = DataSpeed.Run,
    ["loss-curves"] = LossCurves.Run,
    ["convolution-errors"] = ConvolutionErrors.Run,
    ["full-width-step"] = FullWidthStep.Run,
    ["transport"] = TransportSpeed.Run,
    ["transport-peer"] = TransportPeer.Run,
    ["cluster"] = ClusterSpeed.Run,
    ["snapshots"] = SnapshotCost.Run,
    ["watching"] = WatchingCost.Run,
    ["cluster-links"] = ClusterLinks.Run,
    ["cluster-soak"] = ClusterSoak.Run,
    ["cluster-soak-member"] = ClusterSoak.Member,
    ["gpu"] = GpuSpeed.Run,
    ["gpu-steps"] = GpuSteps.Run,
    ["gpu-layers"] = GpuLayers.Run,
    ["gpu-pictures"] = GpuWorkload.DrawPictures,
    ["gpu-network"] = GpuWorkload.DescribeNetwork,
};

if (args.Length > 0 && benchmarks.TryGetValue(args[0], out var benchmark)) return benchmark(args[1..]);
Console.Error.WriteLine($"expected one of: {string.Join(", ", benchmarks.Keys)}");
return 2;
