using System.Collections.Concurrent;
using Akka.Actor;
using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// What a GPU actor has open for one group: its connections and the mailbox of its exchanges. A new group makes a new one; this one's
/// connections are closed and its compute thread is called off.
/// </summary>
sealed class GroupPart
{
    readonly NodeMeans _means;
    readonly IActorRef _self;
    readonly Seat? _partner;
    readonly ExchangeLink? _exchange;
    readonly StateLink? _states, _snapshots;
    readonly ConcurrentDictionary<BatchReceiver, byte> _receivers = []; // a set
    volatile bool _loaded, _left;

    /// <summary>
    /// How long a snapshot of the other tower's waits for the command to take it, which goes to both at once. Where that is lost the snapshot goes by:
    /// as long as nobody takes it, the other's compute thread stands still.
    /// </summary>
    public static readonly TimeSpan AnnouncementMax = TimeSpan.FromSeconds(2);

    /// <param name="group">The group.</param>
    /// <param name="mine">My seat in it.</param>
    /// <param name="means">My node's.</param>
    /// <param name="self">The actor, which hears <see cref="GpuState.LinkChanged"/>, states and batches.</param>
    public GroupPart(FormGroup group, Seat mine, NodeMeans means, IActorRef self)
    {
        (Group, Mine, _means, _self) = (group, mine, means, self);
        Recipe = means.ReadRecipe(group.Recipe);
        Deadline = TimeSpan.FromMilliseconds(group.DeadlineMs);
        _partner = group.Seats.FirstOrDefault(s => !s.Actor.Equals(self));
        var links = GpuState.LinksOf(group, mine);
        var order = _partner?.Kind == mine.Kind ? ChannelOrder.Own : ChannelOrder.Canonical;
        if (links.Contains(LinkPurpose.Exchange))
            _exchange = new ExchangeLink(Recipe.Network, Recipe.Batch, order, group.Generation, _partner!.Towers[0],
                opened: () => Tell(LinkPurpose.Exchange, _partner.Node, null), received: m => Mailbox!.Put(m), lost: reason => Tell(LinkPurpose.Exchange, _partner.Node, reason));
        Mailbox = new TowerMailbox(Recipe.Network, Deadline, _exchange is null ? m => Hand(m, order) : _exchange.Send);
        if (means.Tensors is null) return;
        if (links.Contains(LinkPurpose.Snapshots))
            _snapshots = new StateLink(Recipe.Network, group.Generation, TowerIds.Both, room: (tower, steps) => means.Shelf.Room(tower, steps, _loaded ? AnnouncementMax : Deadline, givenUp: () => _left),
                opened: _ => Tell(LinkPurpose.Snapshots, _partner!.Node, null), received: Keep, lost: reason => Tell(LinkPurpose.Snapshots, _partner!.Node, reason));
        means.Tensors.Expect(self.Path.Name, group.Generation, Accept); // from here on it is called, on other threads: what it hands out is there
        if (_exchange is not null && mine.Towers[0] == TowerId.A)
        {
            means.Tensors.Connect(_partner!.Endpoint, Hello(LinkPurpose.Exchange, _partner.Actor), _exchange);
            means.Tensors.Connect(_partner.Endpoint, Hello(LinkPurpose.Snapshots, _partner.Actor), _snapshots!);
        }
        if (!links.Contains(LinkPurpose.State)) return;
        _states = new StateLink(Recipe.Network, group.Generation, mine.Towers, StateLink.OneRoomEach(Recipe.Network),
            opened: _ => Tell(LinkPurpose.State, group.ArchiveNode, null), received: m => self.Tell(m), lost: reason => Tell(LinkPurpose.State, group.ArchiveNode, reason));
        means.Tensors.Connect(group.ArchiveEndpoint, Hello(LinkPurpose.State, group.Archive), _states);
    }

    public FormGroup Group { get; }
    public Seat Mine { get; }
    public Recipe Recipe { get; }
    public TimeSpan Deadline { get; }
    public TowerMailbox Mailbox { get; }

    /// <summary>For any thread: the group is no more.</summary>
    public bool Left => _left;

    /// <summary>Nothing of a snapshot is on its way any more.</summary>
    public bool Drained => _snapshots?.Drained != false;

    /// <summary>A tower's state to the archive, wherever that is.</summary>
    public void Archive(TowerStateReady state)
    {
        if (_states is null) Group.Archive.Tell(state, _self);
        else _states.Send(state);
    }

    /// <summary>A tower's snapshot to the other tower's node; nothing where that is this one.</summary>
    public void Share(TowerStateReady snapshot) => _snapshots?.Send(snapshot);

    /// <summary>On the connection's thread: a snapshot has come whole from the other tower's node.</summary>
    void Keep(TowerStateReady snapshot)
    {
        _means.Shelf.Put(snapshot.State.Tower, snapshot.Steps);
        _self.Tell(snapshot);
    }

    /// <summary>On the compute thread: to the other tower's actor in this process. Where its device reaches this one's memory, it is told where the portion lies; elsewhere it gets values.</summary>
    void Hand(ActivationReady message, ChannelOrder order)
    {
        var portion = message.Portion;
        bool inPlace = _partner!.Memory == Mine.Memory && portion.LiesReady;
        if (inPlace) portion.Settle();
        _partner.Actor.Tell(inPlace ? message : message with { Portion = new Portion(portion.Values(order), order) });
    }

    /// <summary>The tower stands: what the other sends may go straight to it.</summary>
    public void Stands(Tower tower) => _exchange?.ReceiveInto(tower);

    /// <summary>The towers hold their weights: what comes from now on are snapshots.</summary>
    public void Loaded() => _loaded = true;

    public void Leave(string why)
    {
        _left = true;
        Mailbox.Abort(why);
        _means.Tensors?.ExpectNothing(_self.Path.Name);
        _exchange?.Dispose();
        _states?.Dispose();
        _snapshots?.Dispose();
        foreach (var receiver in _receivers.Keys) receiver.Dispose();
    }

    /// <summary>On a connection's thread: someone of this group wants to talk.</summary>
    IFrameReceiver Accept(TensorHello hello)
    {
        bool fromA = _exchange is not null && Mine.Towers[0] == TowerId.B && hello.From == _partner!.Node;
        if (hello.Purpose == LinkPurpose.Exchange && fromA) return _exchange!;
        if (hello.Purpose == LinkPurpose.Snapshots && fromA) return _snapshots!;
        if (hello.Purpose != LinkPurpose.Batches || _left) throw new FrameRefusedException($"{hello.From} is no loader and no tower that {Mine.Device} exchanges with");
        BatchReceiver receiver = null!;
        receiver = new BatchReceiver(Recipe, Group.Generation, mean: m => _self.Tell(m), batch: m => _self.Tell(m), lost: reason =>
        {
            _receivers.TryRemove(receiver, out _); // and with it its buffers
            Tell(LinkPurpose.Batches, hello.From, reason);
        });
        _receivers[receiver] = 0;
        if (_left) receiver.Dispose(); // while this was going on
        return receiver;
    }

    TensorHello Hello(LinkPurpose purpose, IActorRef to) => new(Group.Generation, purpose, _means.Name, to.Path.Name);

    void Tell(LinkPurpose purpose, string node, string? lost) => _self.Tell(new GpuState.LinkChanged(Group.Generation, purpose, node, lost));
}
