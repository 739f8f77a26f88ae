using Akka.Configuration;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>What hocon/node.conf says of this node; nothing in it changes a number of a run, but for what makes its GPUs another kind of device.</summary>
/// <param name="Loaders">Data loaders.</param>
/// <param name="ReadAhead">Batches they may prepare ahead of the towers.</param>
/// <param name="SnapshotSteps">Steps between snapshots in the nodes' memory.</param>
/// <param name="Threads">Compute threads of a device; null for an equal share of the cores.</param>
/// <param name="StepDeadline">Longest time a pass, an exchange or a checkpoint may take.</param>
/// <param name="BatchDeadline">How long a tower waits for a batch before another loader is asked.</param>
/// <param name="Gpus">What is chosen of its GPUs.</param>
/// <param name="Tensors">How it moves tensors to other nodes, but for its address.</param>
/// <param name="Akka">The whole of it, for the actor system.</param>
sealed record NodeSettings(int Loaders, int ReadAhead, int SnapshotSteps, int? Threads, TimeSpan StepDeadline, TimeSpan BatchDeadline, GpuOptions Gpus, TransportSettings Tensors, Config Akka)
{
    public static string File => Path.Combine(AppContext.BaseDirectory, "hocon", "node.conf");

    public static NodeSettings Read(Settings settings)
    {
        var file = Hocon.ParseFile(File, File);
        CheckAkka(settings.OfNode, file);
        var config = settings.OfNode.WithFallback(file);
        var values = new ValueReader(config, "node.conf");
        return new NodeSettings(
            values.Number("alexnet.loaders", 1, 64),
            values.Number("alexnet.read-ahead", 1, 1024),
            values.Number("alexnet.snapshot-steps", 0, 1_000_000),
            values.Text("alexnet.threads") == "auto" ? null : values.Number("alexnet.threads", 1, 1024),
            values.Time("alexnet.step-deadline"),
            values.Time("alexnet.batch-deadline"),
            new GpuOptions(values.Choice<ComputePrecision>("compute.precision"), values.Choice<BlasChoice>("compute.blas"), values.Choice<ConvolutionMethod>("compute.convolution")),
            new TransportSettings("", values.Number("alexnet.cluster.tensor-port", 0, ushort.MaxValue), "", null,
                values.Time("alexnet.cluster.handshake-deadline"), values.Time("alexnet.cluster.idle-deadline"), values.Time("alexnet.cluster.connect-deadline"),
                values.Time("alexnet.cluster.send-deadline"), values.Number("alexnet.cluster.send-queue", 1, 1024)),
            config);
    }

    /// <summary>What Akka reads it reads late, and says nothing or where in its code it was: of what --set has for it only times and switches pass.</summary>
    static void CheckAkka(Config set, Config file)
    {
        var values = new ValueReader(set, "--set");
        foreach (var (path, _) in Hocon.Leaves(set).Where(l => l.Path.StartsWith("akka.", StringComparison.Ordinal) || l.Path.Contains("-dispatcher.", StringComparison.Ordinal)))
            switch (file.GetString(path))
            {
                case "on" or "off": values.Switch(path); break;
                case [>= '0' and <= '9', .., 's']: values.Time(path); break;
                default: throw new UsageException($"{path} is not for --set: it is what the actors are built on, in {File}");
            }
    }

    /// <summary>Compute threads of each of so many devices.</summary>
    public int ThreadsOf(int devices) => Threads ?? Math.Max(1, Environment.ProcessorCount / devices);

    /// <summary>What the coordinator is told of a run.</summary>
    /// <param name="plan">What it is made from.</param>
    /// <param name="folder">Where it is kept.</param>
    /// <param name="start">Where it starts or goes on.</param>
    /// <param name="kind">Of its devices; null where they are not known yet.</param>
    /// <param name="cluster">Whether the members may outlive this process: then they keep snapshots.</param>
    public RunSettings RunOf(RunPlan plan, RunFolder folder, RunStart start, string? kind, bool cluster) => new(
        RecipeText.Of(plan.Recipe), new RunTerms(ProgramVersion.Text, RecipeText.Determining(plan.Recipe), new RunIdentity(RecipeText.Digest(plan.Recipe), plan.Data.Digest, kind)),
        plan.Limits, new GroupShape(Loaders, ReadAhead, plan.ValidationBatches, cluster ? SnapshotSteps : 0), plan.Recipe.Network, folder.Checkpoints.Path, start.Checkpoint, start.Progress, StepDeadline);
}
