using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>What two GPU actors of different nodes have open for their group, over real connections.</summary>
public sealed class GroupPartTests : IDisposable
{
    const int Generation = 3;

    readonly TinyRun _run = new();
    readonly ActorSystem _system = ActorSystem.Create("parts", "akka { loglevel = WARNING, stdout-loglevel = WARNING }");
    readonly TensorNode[] _nodes = [new(Links.Settings), new(Links.Settings)];
    readonly Inbox[] _inboxes;
    readonly IActorRef[] _towers;
    readonly NodeMeans[] _means;
    readonly GroupPart[] _parts;

    public GroupPartTests()
    {
        _inboxes = [Inbox.Create(_system), Inbox.Create(_system)];
        _towers = [.. _inboxes.Select((inbox, i) => _system.ActorOf(Props.Create(() => new Tower(inbox.Receiver)), $"tower-{i}"))];
        _means = [.. _nodes.Select((n, i) => _run.Means([]) with { Name = $"node-{i}", Tensors = n, Shelf = new SnapshotShelf() })];
        Seat[] seats = [.. TowerIds.Both.Select((t, i) => new Seat([t], $"node-{i}", "reference", "reference", "reference", _nodes[i].Endpoint, _towers[i]))];
        var group = new FormGroup(Generation, seats, "tiny", "run", DeadlineMs: 300_000, ActorRefs.Nobody, "node-0", ArchiveEndpoint: "", TinyRun.Records);
        _parts = [.. seats.Select((s, i) => new GroupPart(group, s, _means[i], _towers[i]))];
        foreach (var inbox in _inboxes) Next<GpuState.LinkChanged>(inbox, l => l is { Purpose: LinkPurpose.Snapshots, Lost: null });
    }

    public void Dispose()
    {
        foreach (var part in _parts) part.Leave("the test is over");
        foreach (var node in _nodes) node.Dispose();
        _system.Terminate().Wait(Links.Deadline);
        _run.Dispose();
    }

    /// <summary>Hears as a GPU actor does, and keeps no batch.</summary>
    sealed class Tower : ReceiveActor
    {
        public Tower(IActorRef to)
        {
            Receive<BatchReady>(m =>
            {
                m.Return!(m.Batch);
                to.Tell(new WeakReference(m.Batch));
            });
            ReceiveAny(to.Forward);
        }
    }

    static T Next<T>(Inbox inbox, Func<T, bool> wanted)
    {
        while (true)
            if (inbox.Receive(Links.Deadline) is T message && wanted(message)) return message;
    }

    static RunProgress After(long steps) => RunProgress.Start(new RunLimits(20, 10, 90, 0, new LearningRateSchedule(0.01f, 10, 3, 2, 0))) with { Steps = steps };

    [Fact]
    public void A_snapshot_that_only_one_tower_was_told_to_take_costs_that_one_and_no_connection()
    {
        foreach (var part in _parts) part.Loaded();
        _parts[0].Share(new TowerStateReady(Generation, 4, TowerStates.Empty(TinyRun.Network, TowerId.A)));
        _means[1].Shelf.Announce(TinyRun.Network, "run", After(8), keep: -1);
        _parts[0].Share(new TowerStateReady(Generation, 8, TowerStates.Empty(TinyRun.Network, TowerId.A)));
        Assert.Equal(8, Next<TowerStateReady>(_inboxes[1], _ => true).Steps);
        Assert.Equal((TowerId.A, 8), _means[1].Shelf.Held.Select(h => (h.Tower, h.Progress.Steps)).Single());
    }

    [Fact]
    public void The_buffers_of_a_loader_go_with_its_connection()
    {
        using var node = new TensorNode(Links.Settings);
        using var opened = new ManualResetEventSlim();
        var sender = new BatchSender(Generation, opened.Set, lost: _ => { });
        node.Connect(_nodes[1].Endpoint, new TensorHello(Generation, LinkPurpose.Batches, "loader", _towers[1].Path.Name), sender);
        Assert.True(opened.Wait(Links.Deadline));
        sender.Send(new float[3 * TinyRun.Recipe.Augmentation.CropSize * TinyRun.Recipe.Augmentation.CropSize]);
        sender.Send(new PassId(Generation, PassKind.Train, 0), new Batch(TinyRun.Recipe.Batch, TinyRun.Recipe.Augmentation.CropSize));
        var buffer = Next<WeakReference>(_inboxes[1], _ => true);
        sender.Dispose();
        Next<GpuState.LinkChanged>(_inboxes[1], l => l is { Purpose: LinkPurpose.Batches, Lost: not null });
        Links.Until(() =>
        {
            GC.Collect();
            return !buffer.IsAlive;
        }, "the memory of a batch whose connection has ended");
    }
}
