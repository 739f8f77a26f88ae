using Akka.Actor;
using Akka.Configuration;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors;

/// <summary>Whose word counts with the actors that hold and keep a run's numbers.</summary>
public sealed class CommandTests : IDisposable
{
    const long Steps = 4;

    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    readonly TinyRun _run = new();
    readonly ActorSystem _system = ActorSystem.Create("commands", ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "node.conf"))));
    readonly Inbox _coordinator, _other;

    public CommandTests() => (_coordinator, _other) = (Inbox.Create(_system), Inbox.Create(_system));

    public void Dispose()
    {
        _system.Terminate().Wait(Deadline);
        _run.Dispose();
    }

    T Next<T>()
    {
        while (true)
            if (_coordinator.Receive(Deadline) is T message) return message;
    }

    /// <summary>A coordinator that was cut off, wakes and does not know yet that another leads.</summary>
    [Fact]
    public void Only_who_formed_a_group_commands_it()
    {
        var device = new DeviceFactory("reference", "reference", "reference", () => new ReferenceDevice());
        var gpu = _system.ActorOf(GpuActor.Props(_run.Means([device]), device));
        _coordinator.Send(gpu, new FormGroup(1, [new Seat([.. TowerIds.Both], "here", "reference", "reference", "reference", "", gpu)], "tiny", "run", DeadlineMs: 60_000, ActorRefs.Nobody, "here", "", TinyRun.Records));
        _other.Send(gpu, new DisbandGroup(1, "I lead"));
        gpu.Tell(new MeanReady(1, _run.Data.Mean.ToArray()));
        Next<GpuReady>();
        _other.Send(gpu, new LoadTowers(1, WeightSource.Seed, RunProgress.Start(_run.Limits(9)), []));
        _coordinator.Send(gpu, new LoadTowers(1, WeightSource.Seed, RunProgress.Start(_run.Limits(9)), []));
        Next<TowersLoaded>();
        Assert.Throws<TimeoutException>(() => _other.Receive(TimeSpan.FromSeconds(0.2)));
    }

    sealed class Parent : ReceiveActor
    {
        public Parent(Props archive, IActorRef heard)
        {
            var child = Context.ActorOf(archive, "archive");
            ReceiveAny(m => (Sender.Equals(child) ? heard : child).Tell(m));
        }
    }

    /// <summary>What a tower of a group that is no more still sends, or one that was asked for another checkpoint.</summary>
    [Fact]
    public void A_checkpoint_is_made_of_what_was_asked_for()
    {
        var folder = new CheckpointFolder(Path.Combine(_run.Folder, "run"));
        var coordinator = _system.ActorOf(Props.Create(() => new Parent(ArchiveActor.Props(TinyRun.Network, folder, null), _coordinator.Receiver)));
        TowerStateReady State(int generation, long steps, TowerId tower) => new(generation, steps, TowerStates.Empty(TinyRun.Network, tower));
        coordinator.Tell(new ArchiveActor.Serve(3, []));
        coordinator.Tell(new ArchiveActor.Expect(3, Steps));
        coordinator.Tell(State(2, Steps, TowerId.A));
        coordinator.Tell(State(3, Steps - 1, TowerId.A));
        coordinator.Tell(State(3, Steps, TowerId.B));
        var saved = Next<TowerSaved>();
        Assert.Equal((3, Steps, TowerId.B), (saved.Generation, saved.Steps, saved.Tower));
    }
}
