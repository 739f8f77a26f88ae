using System.Collections.Immutable;
using Akka.Actor;
using AlexNetActors.Model;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>
/// Node to coordinator: what this process is, what it offers and what it holds; said again and again, so that one that is lost costs
/// nothing. Its first two fields never change their place, so that nodes of different versions can tell each other so.
/// </summary>
/// <param name="Version">The program's version: nodes of one run have one.</param>
/// <param name="Node">Its name: host:port in a cluster.</param>
/// <param name="Actor">The <see cref="NodeActor"/>, which is answered.</param>
/// <param name="Generation">Highest incarnation of a group that it has heard of.</param>
/// <param name="Recipe">What determines the numbers, if it was given a recipe of its own: lines "key = value".</param>
/// <param name="Data">The data set that its loaders serve; null where it has none.</param>
/// <param name="Gpus">Its devices.</param>
/// <param name="Loaders">Its loaders.</param>
/// <param name="Endpoint">Where its tensor connections are accepted, host:port; empty in a group of one process.</param>
/// <param name="Held">The towers' snapshots that its memory holds.</param>
[MessagePackObject]
public sealed record NodeOffer(
    [property: Key(0)] string Version, [property: Key(1)] string Node, [property: Key(2)] IActorRef Actor, [property: Key(3)] int Generation, [property: Key(4)] string? Recipe,
    [property: Key(5)] DataOffer? Data, [property: Key(6)] GpuOffer[] Gpus, [property: Key(7)] IActorRef[] Loaders, [property: Key(8)] string Endpoint,
    [property: Key(9)] HeldSnapshot[] Held) : IProtocolMessage;

/// <summary>A data set that a node serves.</summary>
/// <param name="Digest">Its identity.</param>
/// <param name="Records">Its training records.</param>
[MessagePackObject]
public sealed record DataOffer([property: Key(0)] string Digest, [property: Key(1)] int Records);

/// <summary>A device that a node offers.</summary>
/// <param name="Actor">The <see cref="GpuActor"/> that owns it.</param>
/// <param name="Device">As the command line names it.</param>
/// <param name="Kind">Devices of one kind give the same bits.</param>
/// <param name="Memory">Where its tensors lie: devices of one process with equal memory reach each other's.</param>
/// <param name="Pinned">Towers that it must hold; empty for any one.</param>
[MessagePackObject]
public sealed record GpuOffer([property: Key(0)] IActorRef Actor, [property: Key(1)] string Device, [property: Key(2)] string Kind, [property: Key(3)] string Memory, [property: Key(4)] TowerId[] Pinned);

/// <summary>Coordinator to node: you are one of us.</summary>
[MessagePackObject]
public sealed record NodeAdmitted : IProtocolMessage;

/// <summary>Coordinator to node: you are not, and why. One line.</summary>
[MessagePackObject]
public sealed record NodeRefused([property: Key(0)] string Reason) : IProtocolMessage;

/// <summary>Coordinator to node: a connection with you was lost; if you hear this, offer what you have again.</summary>
[MessagePackObject]
public sealed record OfferAgain : IProtocolMessage;

/// <summary>Node to coordinator: I was asked to stop. Answered by <see cref="NodeReleased"/>, after the step that runs and a checkpoint if a tower is here.</summary>
[MessagePackObject]
public sealed record NodeLeaves([property: Key(0)] string Node) : IProtocolMessage;

/// <summary>Node to coordinator: an actor of mine has ended that ought not to, so my process ends; others may go on without it.</summary>
[MessagePackObject]
public sealed record NodeBroken([property: Key(0)] string Node, [property: Key(1)] string Reason) : IProtocolMessage;

/// <summary>Coordinator to node: nothing needs you any more.</summary>
[MessagePackObject]
public sealed record NodeReleased : IProtocolMessage;

/// <summary>Coordinator to all nodes: the run is over.</summary>
[MessagePackObject]
public sealed record RunOver([property: Key(0)] bool Failed, [property: Key(1)] string Why) : IProtocolMessage;

/// <summary>To a node that is no member of the asker's cluster, of which it may have been put out: are you in one?</summary>
/// <param name="Led">Of the asker's cluster, if a coordinator may be in it; else null.</param>
[MessagePackObject]
public sealed record StandingAsked([property: Key(0)] ClusterStrength? Led) : IProtocolMessage;

/// <summary>The answer.</summary>
/// <param name="Member">Whether it is.</param>
/// <param name="Led">Of that one, if a coordinator may be in it and the asker is no member of it; else null.</param>
[MessagePackObject]
public sealed record StandingTold([property: Key(0)] bool Member, [property: Key(1)] ClusterStrength? Led) : IProtocolMessage;

/// <summary>Which of two clusters the other's nodes go to. Whenever one goes, the difference grows.</summary>
/// <param name="Members">That can be reached.</param>
/// <param name="First">Of those, the one with the lowest address: of two of one size, one has to be more.</param>
/// <param name="Leads">Whether it is from the node of a coordinator that leads a group, and so stays: that outweighs any number who wait.</param>
[MessagePackObject]
public sealed record ClusterStrength([property: Key(0)] int Members, [property: Key(1)] string First, [property: Key(2)] bool Leads = false)
{
    public bool IsMoreThan(ClusterStrength other) =>
        Leads != other.Leads ? Leads : Members != other.Members ? Members > other.Members : string.CompareOrdinal(First, other.First) < 0;
}

/// <summary>From the coordinator's shell to its state: who is there.</summary>
/// <param name="GpuNodes">Names of the nodes with devices.</param>
/// <param name="Alone">Why they may not be most of the cluster's nodes; null where they are: only there may a coordinator command.</param>
public sealed record Company(ImmutableHashSet<string> GpuNodes, string? Alone);

/// <summary>From the coordinator's shell to its state: whoever is there has had time to say what it holds.</summary>
public sealed record Settled : INoSerializationVerificationNeeded;

/// <summary>From the coordinator's shell to its state: for a while nothing has come; what was asked may have been lost, so ask again.</summary>
public sealed record Nudged : INoSerializationVerificationNeeded;

/// <summary>From the coordinator's shell to its state: the node is gone, or answers no more.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Reason">In words.</param>
public sealed record NodeLost(string Node, string Reason);

/// <summary>GPU actor or loader to coordinator: my connection with that node is gone. The end of a socket is seen long before membership changes.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Node">At the other end.</param>
/// <param name="Purpose">What the connection was for.</param>
/// <param name="Reason">In words.</param>
[MessagePackObject]
public sealed record LinkLost([property: Key(0)] int Generation, [property: Key(1)] string Node, [property: Key(2)] LinkPurpose Purpose, [property: Key(3)] string Reason) : IProtocolMessage;

/// <summary>Who holds a tower, and where.</summary>
/// <param name="Towers">The towers that it holds.</param>
/// <param name="Node">The node's name.</param>
/// <param name="Device">The device's name.</param>
/// <param name="Kind">The device's kind.</param>
/// <param name="Memory">Where its tensors lie.</param>
/// <param name="Endpoint">Where the node accepts tensor connections.</param>
/// <param name="Actor">The <see cref="GpuActor"/>.</param>
[MessagePackObject]
public sealed record Seat(
    [property: Key(0)] TowerId[] Towers, [property: Key(1)] string Node, [property: Key(2)] string Device, [property: Key(3)] string Kind, [property: Key(4)] string Memory,
    [property: Key(5)] string Endpoint, [property: Key(6)] IActorRef Actor);

/// <summary>Coordinator to all GPU actors: who holds the towers from now on. Whoever is not named stands by.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Seats">One that holds both towers, or tower A's and tower B's.</param>
/// <param name="Recipe">The resolved recipe.</param>
/// <param name="Identity">Of the run, and with it of snapshots: see <see cref="HeldSnapshot"/>.</param>
/// <param name="DeadlineMs">Longest time that an exchange may take.</param>
/// <param name="Archive">Keeper of the checkpoints.</param>
/// <param name="ArchiveNode">Name of its node.</param>
/// <param name="ArchiveEndpoint">Where that node accepts tensor connections.</param>
/// <param name="Records">Training records of an epoch.</param>
[MessagePackObject]
public sealed record FormGroup(
    [property: Key(0)] int Generation, [property: Key(1)] Seat[] Seats, [property: Key(2)] string Recipe, [property: Key(3)] string Identity, [property: Key(4)] int DeadlineMs,
    [property: Key(5)] IActorRef Archive, [property: Key(6)] string ArchiveNode, [property: Key(7)] string ArchiveEndpoint, [property: Key(8)] int Records) : IProtocolMessage;

/// <summary>Coordinator to GPU actors and loaders: this group is no more; stop what you do for it.</summary>
[MessagePackObject]
public sealed record DisbandGroup([property: Key(0)] int Generation, [property: Key(1)] string Why) : IGroupCommand;

/// <summary>Coordinator to a loader: which batches are yours, and whose towers want them. Batch n is yours when n % Count is Index.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Round">Counts how often the batches were shared out: what was prepared in an earlier round is prepared again if it is asked for.</param>
/// <param name="Index">Its place among the loaders.</param>
/// <param name="Count">Loaders that serve.</param>
/// <param name="Seats">Who holds the towers.</param>
/// <param name="Recipe">The resolved recipe.</param>
/// <param name="ReadAhead">Batches that all loaders together may prepare ahead.</param>
[MessagePackObject]
public sealed record AssignLoader(
    [property: Key(0)] int Generation, [property: Key(1)] int Round, [property: Key(2)] int Index, [property: Key(3)] int Count, [property: Key(4)] Seat[] Seats, [property: Key(5)] string Recipe,
    [property: Key(6)] int ReadAhead) : IProtocolMessage;
