using Akka.Actor;
using Akka.Configuration;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests;

/// <summary>A network of the paper's make, small enough for the reference device, on a few built-in pictures.</summary>
sealed class TinyRun : IDisposable
{
    public const int Records = 20;

    readonly Recipe _recipe;

    /// <param name="recipe">Another than <see cref="Recipe"/>.</param>
    public TinyRun(Recipe? recipe = null)
    {
        _recipe = recipe ?? Recipe;
        Data = BuiltInPictures.Create(Path.Combine(Folder, "data"), new BuiltInSettings(Records, Validation: 7, RecordSize: _recipe.Network.InputSize + 4));
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("alexnet-test-").FullName;
    public DataFolder Data { get; }

    public void Dispose()
    {
        Data.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    public static Network Network { get; } = new(inputSize: 32, classes: 10,
    [
        new("conv1", 4, Size: 5, Stride: 2, Pad: 2, Deviation: 0.002f, Normalize: true, Pool: true),
        new("conv2", 4, Size: 3, Pad: 1, Deviation: 0.2f, Bias: 0.1f, Normalize: true, Pool: true),
        new("conv3", 6, Size: 3, Pad: 1, SeesBoth: true, Deviation: 0.2f),
        new("conv4", 6, Size: 3, Pad: 1, Deviation: 0.2f),
        new("conv5", 4, Size: 3, Pad: 1, Deviation: 0.2f, Pool: true),
        new("fc6", 8, SeesBoth: true, Deviation: 0.2f, Bias: 0.1f, Dropout: 0.5),
        new("fc7", 8, SeesBoth: true, Deviation: 0.2f, Bias: 0.1f, Dropout: 0.5),
        new("fc8", 10, SeesBoth: true, Deviation: 0.2f),
    ], LocalResponse.Paper);

    public static Recipe Recipe { get; } = new("tiny", Network, Seed: 7, Batch: 8, Momentum: 0.9f, WeightDecay: 0.0005f,
        new LearningRateSchedule(0.01f, 10, 3, Patience: 1, Improvement: 0), new Augmentation(32, RandomCrop: true, Mirror: true, ColourSigma: 0.1), EpochsMax: 10, CheckpointSteps: 1000);

    public RunLimits Limits(long steps, int checkpointSteps = 1000) => new(Records, _recipe.Batch, steps, checkpointSteps, _recipe.Schedule);

    public SequentialTrainer Sequential(long steps, IDevice device) => new(_recipe, Data, device, Limits(steps));

    public RunSettings Settings(long steps, int loaders = 1, string run = "run", int checkpointSteps = 1000) => new(
        "tiny", new RunTerms("1", "", new RunIdentity("recipe", Data.Digest, DeviceKind: null)), Limits(steps, checkpointSteps),
        new GroupShape(loaders, ReadAhead: 3, (Data.Validation.Count + _recipe.Batch - 1) / _recipe.Batch), _recipe.Network,
        Path.Combine(Folder, run), Resume: null, RunProgress.Start(Limits(steps)), StepDeadline: TimeSpan.FromSeconds(60));

    /// <summary>What a process brings that has these devices and so many loaders.</summary>
    public NodeMeans Means(IReadOnlyList<DeviceFactory> devices, int loaders = 1) => new(
        "1", "here", Recipe: null, Data.Path, new DataOffer(Data.Digest, Data.Train.Count), OfferedDevice.ByTower(devices), loaders, BatchDeadline: TimeSpan.FromSeconds(60), _ => _recipe, Tensors: null, new SnapshotShelf());

    /// <summary>A group of actors in one system; every message goes through the serializer, or, as in the product, none within a process.</summary>
    /// <param name="settings">The run.</param>
    /// <param name="means">What the process brings.</param>
    /// <param name="until">Ends it before the run ends.</param>
    /// <param name="serialized">Else towers copy from where the other's values lie.</param>
    public IReadOnlyList<IRunEvent> RunGroup(RunSettings settings, NodeMeans means, Func<IRunEvent, bool>? until = null, bool serialized = true)
    {
        var config = ConfigurationFactory.ParseString($"akka.actor.serialize-messages = {(serialized ? "on" : "off")}").WithFallback(ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "node.conf"))));
        using var system = ActorSystem.Create("tiny", config);
        var events = new List<IRunEvent>();
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var observer = system.ActorOf(Props.Create(() => new Observer(events, over, until)), "observer");
        system.ActorOf(NodeActor.Props(means, CoordinatorActor.Props(() => new OpenedRun(settings), means.Name, tensors: null, observer), proxy: null, observer), "node");
        if (!over.Task.Wait(TimeSpan.FromSeconds(120))) throw new TimeoutException("the group has not ended in 120 s; it said " + string.Join(", ", events));
        if (!system.Terminate().Wait(TimeSpan.FromSeconds(30))) throw new TimeoutException("the actor system has not ended in 30 s");
        return events;
    }

    sealed class Observer : ReceiveActor
    {
        public Observer(List<IRunEvent> events, TaskCompletionSource over, Func<IRunEvent, bool>? until)
        {
            Receive<IRunEvent>(m =>
            {
                if (over.Task.IsCompleted) return; // a tower may still say what it does
                events.Add(m);
                if (m is RunFinished or RunFailed || until?.Invoke(m) == true) over.TrySetResult();
            });
            Receive<NodeAdmitted>(_ => { });
        }
    }
}
