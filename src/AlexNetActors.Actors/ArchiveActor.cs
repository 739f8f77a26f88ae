using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// Beside the coordinator: writes and reads the towers' files, on a thread of its own. Towers of its own process hand their states over by
/// reference, those of others through a tensor connection that they open.
/// </summary>
public sealed class ArchiveActor : ReceiveActor
{
    const string Name = "archive";

    readonly Network _network;
    readonly TensorNode? _tensors;
    readonly Dictionary<TowerId, StateLink> _links = [];
    int _generation;
    Seat[] _seats = [];
    Expect? _expected;
    Restore? _awaited; // until the towers' connections stand at this end, too

    /// <summary>A new group's towers will be kept here.</summary>
    public sealed record Serve(int Generation, Seat[] Seats) : INoSerializationVerificationNeeded;

    /// <summary>The towers' states after so many steps belong into this folder.</summary>
    public sealed record Expect(int Generation, long Steps, string Folder) : INoSerializationVerificationNeeded;

    /// <summary>The towers are to get what this checkpoint holds; if it is damaged the parent hears which one is not.</summary>
    public sealed record Restore(int Generation, string Folder) : INoSerializationVerificationNeeded;

    /// <param name="network">Whose states they are.</param>
    /// <param name="tensors">This process's tensor connections; null in a group of one process.</param>
    public ArchiveActor(Network network, TensorNode? tensors)
    {
        (_network, _tensors) = (network, tensors);
        Receive<Serve>(OnServe);
        Receive<StateLink.Opened>(OnOpened);
        Receive<Expect>(m => _expected = m);
        Receive<TowerStateReady>(OnState);
        Receive<Restore>(OnRestore);
    }

    public static Props Props(Network network, TensorNode? tensors) =>
        Akka.Actor.Props.Create(() => new ArchiveActor(network, tensors)).WithDispatcher("alexnet.archive-dispatcher");

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
        if (message.Generation != _generation) return;
        foreach (var tower in message.Towers) _links[tower] = message.Link;
        if (_awaited is { } restore) OnRestore(restore);
    }

    void OnState(TowerStateReady message)
    {
        if (_expected is not { } expected || message.Generation != expected.Generation || message.Steps != expected.Steps) return;
        try
        {
            string sha256 = CheckpointFolder.WriteTower(expected.Folder, message.State);
            _tensors?.Faults?.AtArchive(expected.Steps);
            Context.Parent.Tell(new TowerSaved(expected.Generation, expected.Steps, message.State.Tower, sha256, [.. WeightsDigest.OfTower(message.State)]));
        }
        catch (CheckpointException e)
        {
            Context.Parent.Tell(new CheckpointFailed(expected.Generation, $"{Name}, {e.Message}"));
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
        catch (CheckpointException e)
        {
            var before = new CheckpointFolder(Path.GetDirectoryName(command.Folder)!).NewestWhole(_ => { }, setAside: true);
            Context.Parent.Tell(new CheckpointDamaged(_generation, e.Message, before is { } b ? new SavedPoint(b.Manifest.Progress, b.Folder) : null));
        }
    }
}
