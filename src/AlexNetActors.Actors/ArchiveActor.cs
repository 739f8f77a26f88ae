using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// Beside the coordinator: writes and reads checkpoints, on a thread of its own, since a disk may take its time and the coordinator has to hear. Towers of its own process hand their states over by
/// reference, those of others through a tensor connection that they open.
/// </summary>
public sealed class ArchiveActor : ReceiveActor
{
    const string Name = "archive";

    readonly Network _network;
    readonly CheckpointFolder _checkpoints;
    readonly TensorNode? _tensors;
    readonly Dictionary<TowerId, StateLink> _links = [];
    int _generation;
    Seat[] _seats = [];
    (Expect Command, string Folder)? _expected;
    Restore? _awaited; // until the towers' connections stand at this end, too

    /// <summary>A new group's towers will be kept here.</summary>
    public sealed record Serve(int Generation, Seat[] Seats) : INoSerializationVerificationNeeded;

    /// <summary>The towers' states after so many steps will come, for a checkpoint; the parent hears of each that is written.</summary>
    public sealed record Expect(int Generation, long Steps) : INoSerializationVerificationNeeded;

    /// <summary>Both are written: the checkpoint gets its manifest and its name; the parent hears which.</summary>
    public sealed record Commit(int Generation, CheckpointManifest Manifest) : INoSerializationVerificationNeeded;

    /// <summary>The towers are to get what this checkpoint holds; if it is damaged the parent hears which one is not.</summary>
    public sealed record Restore(int Generation, string Folder) : INoSerializationVerificationNeeded;

    /// <param name="network">Whose states they are.</param>
    /// <param name="checkpoints">Where checkpoints go.</param>
    /// <param name="tensors">This process's tensor connections; null in a group of one process.</param>
    public ArchiveActor(Network network, CheckpointFolder checkpoints, TensorNode? tensors)
    {
        (_network, _checkpoints, _tensors) = (network, checkpoints, tensors);
        Receive<Serve>(OnServe);
        Receive<StateLink.Opened>(OnOpened);
        Receive<Expect>(m => OrFail(m.Generation, () => _expected = (m, _checkpoints.Begin(m.Steps))));
        Receive<Commit>(m => OrFail(m.Generation, () => Context.Parent.Tell(new CheckpointCommitted(m.Manifest.Progress, _checkpoints.Commit(m.Manifest), m.Manifest.WeightsSha256))));
        Receive<TowerStateReady>(OnState);
        Receive<Restore>(OnRestore);
    }

    public static Props Props(Network network, CheckpointFolder checkpoints, TensorNode? tensors) =>
        Akka.Actor.Props.Create(() => new ArchiveActor(network, checkpoints, tensors)).WithDispatcher("alexnet.archive-dispatcher");

    protected override void PostStop()
    {
        _tensors?.ExpectNothing(Name);
        Close();
    }

    void Close()
    {
        foreach (var link in _links.Values.Distinct()) link.Dispose();
        _links.Clear();
    }

    void OnServe(Serve command)
    {
        if (command.Generation == _generation) return; // said again
        Close();
        (_generation, _seats, _expected, _awaited) = (command.Generation, command.Seats, null, null);
        var (self, coordinator, events) = (Self, Context.Parent, Context.System.EventStream);
        _tensors?.Expect(Name, _generation, hello =>
        {
            if (hello.Purpose != LinkPurpose.State) throw new FrameRefusedException($"the archive keeps states: {hello.Purpose} is for others");
            var seat = command.Seats.FirstOrDefault(s => s.Node == hello.From) ?? throw new FrameRefusedException($"{hello.From} holds no tower of generation {command.Generation}");
            return new StateLink(_network, command.Generation, seat.Towers, StateLink.OneRoomEach(_network),
                opened: link => self.Tell(new StateLink.Opened(command.Generation, seat.Towers, link)),
                received: state => self.Tell(state),
                lost: reason =>
                {
                    var lost = new LinkLost(command.Generation, seat.Node, LinkPurpose.State, reason);
                    events.Publish(lost);
                    coordinator.Tell(lost);
                });
        });
    }

    void OnOpened(StateLink.Opened message)
    {
        if (message.Generation != _generation)
        {
            message.Link.Dispose();
            return;
        }
        foreach (var tower in message.Towers)
        {
            if (_links.TryGetValue(tower, out var before) && before != message.Link) before.Dispose(); // its node has dialled again
            _links[tower] = message.Link;
        }
        if (_awaited is { } restore) OnRestore(restore);
    }

    void OnState(TowerStateReady message)
    {
        if (_expected is not (var expected, var folder) || message.Generation != expected.Generation || message.Steps != expected.Steps) return;
        OrFail(expected.Generation, () =>
        {
            string sha256 = CheckpointFolder.WriteTower(folder, message.State);
            _tensors?.Faults?.AtArchive(expected.Steps);
            Context.Parent.Tell(new TowerSaved(expected.Generation, expected.Steps, message.State.Tower, sha256, [.. WeightsDigest.OfTower(message.State)]));
        });
    }

    static void OrFail(int generation, Action write)
    {
        try
        {
            write();
        }
        catch (CheckpointException e)
        {
            Context.Parent.Tell(new CheckpointFailed(generation, $"{Name}, {e.Message}"));
        }
    }

    void OnRestore(Restore command)
    {
        if (command.Generation != _generation) return;
        // The towers know earlier than this end that their connections stand, and may have been told to load by then.
        _awaited = _seats.Any(s => !s.Actor.IsHere() && s.Towers.Any(t => !_links.ContainsKey(t))) ? command : null;
        if (_awaited is not null) return;
        try
        {
            var (manifest, states) = CheckpointFolder.Load(command.Folder);
            foreach (var seat in _seats)
                foreach (var tower in seat.Towers)
                {
                    var ready = new TowerStateReady(_generation, manifest.Progress.Steps, states[(int)tower]);
                    if (_links.TryGetValue(tower, out var link)) link.Send(ready);
                    else seat.Actor.Tell(ready);
                }
        }
        catch (CheckpointUnreadableException e)
        {
            Complain(e);
        }
        catch (CheckpointException e)
        {
            FindOneBefore(e.Message);
        }
    }

    void FindOneBefore(string damage)
    {
        try
        {
            var before = _checkpoints.NewestWhole(_ => { }, setAside: true);
            Context.Parent.Tell(new CheckpointDamaged(_generation, damage, before is { } b ? new SavedPoint(b.Manifest.Progress, b.Folder) : null));
        }
        catch (CheckpointUnreadableException e)
        {
            Complain(e);
        }
    }

    /// <summary>It is tried once more; then the run ends, which loses nothing: going on from an older one would, as its successors are written over this one.</summary>
    void Complain(CheckpointUnreadableException e) => Context.Parent.Tell(new MemberFailed(_generation, Name, e.Message, []));
}
