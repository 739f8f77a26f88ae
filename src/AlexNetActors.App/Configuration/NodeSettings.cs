using Akka.Configuration;
using AlexNetActors.Compute.Gpu;

namespace AlexNetActors.App;

/// <summary>What hocon/node.conf says of this node; nothing in it changes a number of a run, but for what makes its GPUs another kind of device.</summary>
/// <param name="Loaders">Data loaders.</param>
/// <param name="ReadAhead">Batches they may prepare ahead of the towers.</param>
/// <param name="Threads">Compute threads of a device; null for an equal share of the cores.</param>
/// <param name="StepDeadline">Longest time a pass, an exchange or a checkpoint may take.</param>
/// <param name="Gpus">What is chosen of its GPUs.</param>
/// <param name="Akka">The whole of it, for the actor system.</param>
sealed record NodeSettings(int Loaders, int ReadAhead, int? Threads, TimeSpan StepDeadline, GpuOptions Gpus, Config Akka)
{
    public static string File => Path.Combine(AppContext.BaseDirectory, "hocon", "node.conf");

    public static NodeSettings Read(Settings settings)
    {
        var config = settings.OfNode.WithFallback(Hocon.ParseFile(File, File));
        var values = new ValueReader(config, "node.conf");
        return new NodeSettings(
            values.Number("alexnet.loaders", 1, 64),
            values.Number("alexnet.read-ahead", 1, 1024),
            values.Text("alexnet.threads") == "auto" ? null : values.Number("alexnet.threads", 1, 1024),
            values.Time("alexnet.step-deadline"),
            new GpuOptions(Choice<ComputePrecision>(values, "compute.precision"), Choice<BlasChoice>(values, "compute.blas")),
            config);
    }

    static T Choice<T>(ValueReader values, string path) where T : struct, Enum =>
        Enum.TryParse(values.Text(path), ignoreCase: true, out T choice) && Enum.IsDefined(choice)
            ? choice
            : throw new UsageException($"{path} is {values.Text(path)}: wanted one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}");

    /// <summary>Compute threads of each of so many devices.</summary>
    public int ThreadsOf(int devices) => Threads ?? Math.Max(1, Environment.ProcessorCount / devices);
}
