using System.Collections.Concurrent;
using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// A GPU actor's part in one group: its seat, what it still waits for before it can build its towers, and its connections. A new group
/// makes a new one; this one's connections are closed and its compute thread is called off.
/// </summary>
sealed class GroupPart
{
    readonly NodeMeans _means;
    readonly IActorRef _self;
    readonly Seat? _partner;
    readonly ExchangeLink? _exchange;
    readonly StateLink? _states;
    readonly ConcurrentBag<BatchReceiver> _receivers = [];
    bool _exchangeOpen, _statesOpen;
    volatile bool _left;

    /// <summary>From a connection's thread to the actor.</summary>
    /// <param name="Generation">Of the group that the connection belongs to.</param>
    /// <param name="Purpose">What the connection is for.</param>
    /// <param name="Node">At the other end.</param>
    /// <param name="Lost">Why it is lost; null when it stands.</param>
    public sealed record Event(int Generation, LinkPurpose Purpose, string Node, string? Lost) : INoSerializationVerificationNeeded;

    /// <param name="group">The group.</param>
    /// <param name="mine">My seat in it.</param>
    /// <param name="means">My node's.</param>
    /// <param name="self">The actor, which hears <see cref="Event"/>s and batches.</param>
    public GroupPart(FormGroup group, Seat mine, NodeMeans means, IActorRef self)
    {
        (Group, Mine, _means, _self) = (group, mine, means, self);
        Recipe = means.ReadRecipe(group.Recipe);
        _partner = group.Seats.FirstOrDefault(s => !s.Actor.Equals(self));
        bool partnerHere = _partner is null || _partner.Actor.IsHere();
        (_exchangeOpen, _statesOpen) = (partnerHere, group.Archive.IsHere());
        if (!partnerHere)
            _exchange = new ExchangeLink(Recipe.Network, Recipe.Batch, group.Generation, _partner!.Towers[0],
                opened: () => Tell(LinkPurpose.Exchange, _partner.Node, null), received: m => Mailbox!.Put(m), lost: reason => Tell(LinkPurpose.Exchange, _partner.Node, reason));
        Mailbox = new TowerMailbox(Recipe.Network, TimeSpan.FromMilliseconds(group.DeadlineMs), _exchange is null ? m => _partner!.Actor.Tell(m) : _exchange.Send,
            sharedMemory: partnerHere && _partner?.Memory == mine.Memory);
        if (means.Tensors is null) return;
        means.Tensors.Expect(self.Path.Name, group.Generation, Accept);
        if (_exchange is not null && mine.Towers[0] == TowerId.A) means.Tensors.Connect(_partner!.Endpoint, Hello(LinkPurpose.Exchange, _partner.Actor), _exchange);
        if (_statesOpen) return;
        _states = new StateLink(Recipe.Network, group.Generation, mine.Towers,
            opened: _ => Tell(LinkPurpose.State, group.ArchiveNode, null), received: m => self.Tell(m), lost: reason => Tell(LinkPurpose.State, group.ArchiveNode, reason));
        means.Tensors.Connect(group.ArchiveEndpoint, Hello(LinkPurpose.State, group.Archive), _states);
    }

    public FormGroup Group { get; }
    public Seat Mine { get; }
    public Recipe Recipe { get; }
    public TowerMailbox Mailbox { get; }

    /// <summary>The training set's mean image; null until a loader has sent it.</summary>
    public float[]? Mean { get; set; }

    /// <summary>Whether the towers are to be filled from what the archive gives.</summary>
    public bool Restores { get; set; }

    /// <summary>What it has given.</summary>
    public Dictionary<TowerId, TowerState> Given { get; } = [];

    /// <summary>Nothing is missing.</summary>
    public bool Complete => Mean is not null && _exchangeOpen && _statesOpen;

    /// <summary>For any thread: the group is no more.</summary>
    public bool Left => _left;

    /// <returns>What the coordinator must be told.</returns>
    public LinkLost? Hear(Event e)
    {
        if (e.Lost is { } reason)
        {
            if (e.Purpose != LinkPurpose.Batches) Mailbox.Abort(reason);
            return new LinkLost(e.Generation, e.Node, e.Purpose, reason);
        }
        if (e.Purpose == LinkPurpose.Exchange) _exchangeOpen = true;
        if (e.Purpose == LinkPurpose.State) _statesOpen = true;
        return null;
    }

    /// <summary>A tower's state to the archive, wherever that is.</summary>
    public void Keep(TowerStateReady state, IActorRef sender)
    {
        if (_states is null) Group.Archive.Tell(state, sender);
        else _states.Send(state);
    }

    public void Leave(string why)
    {
        _left = true;
        Mailbox.Abort(why);
        _means.Tensors?.ExpectNothing(_self.Path.Name);
        _exchange?.Dispose();
        _states?.Dispose();
        foreach (var receiver in _receivers) receiver.Dispose();
    }

    /// <summary>On a connection's thread: someone of this group wants to talk.</summary>
    IFrameReceiver Accept(TensorHello hello)
    {
        if (hello.Purpose == LinkPurpose.Exchange && _exchange is not null && Mine.Towers[0] == TowerId.B && hello.From == _partner!.Node) return _exchange;
        if (hello.Purpose != LinkPurpose.Batches || _left) throw new FrameRefusedException($"{hello.From} is no loader and no tower that {Mine.Device} exchanges with");
        var receiver = new BatchReceiver(Recipe, Group.Generation, mean: m => _self.Tell(m), batch: m => _self.Tell(m), lost: reason => Tell(LinkPurpose.Batches, hello.From, reason));
        _receivers.Add(receiver);
        if (_left) receiver.Dispose(); // while this was going on
        return receiver;
    }

    TensorHello Hello(LinkPurpose purpose, IActorRef to) => new(Group.Generation, purpose, _means.Name, to.Path.Name);

    void Tell(LinkPurpose purpose, string node, string? lost) => _self.Tell(new Event(Group.Generation, purpose, node, lost));
}
