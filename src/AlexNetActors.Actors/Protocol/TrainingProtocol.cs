using Akka.Actor;
using AlexNetActors.Model;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>Marks what may travel: only these types have a manifest, everything else is refused.</summary>
public interface IProtocolMessage;

/// <summary>GPU actor to coordinator: my device is open and my towers are built.</summary>
[MessagePackObject]
public sealed record GpuReady([property: Key(0)] TowerId[] Towers, [property: Key(1)] string Device, [property: Key(2)] string DeviceKind) : IProtocolMessage;

/// <summary>Loader to coordinator: my packs are open.</summary>
[MessagePackObject]
public sealed record LoaderReady([property: Key(0)] int Index) : IProtocolMessage;

/// <summary>Coordinator to GPU actors and loaders: who the group of this generation is.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="TowerA">Actor that holds tower A.</param>
/// <param name="TowerB">Actor that holds tower B; the same one when there is only one device.</param>
/// <param name="LoaderCount">Loaders in the group: loader i serves the passes n with n % LoaderCount = i.</param>
[MessagePackObject]
public sealed record FormGroup([property: Key(0)] int Generation, [property: Key(1)] IActorRef TowerA, [property: Key(2)] IActorRef TowerB, [property: Key(3)] int LoaderCount) : IProtocolMessage;

/// <summary>Coordinator to GPU actors: fill your towers, from a checkpoint or from the seed.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Checkpoint">Folder of a whole checkpoint; null starts afresh.</param>
[MessagePackObject]
public sealed record LoadTowers([property: Key(0)] int Generation, [property: Key(1)] string? Checkpoint) : IProtocolMessage;

/// <summary>GPU actor to coordinator: my towers hold their weights.</summary>
[MessagePackObject]
public sealed record TowersLoaded([property: Key(0)] int Generation, [property: Key(1)] TowerId[] Towers) : IProtocolMessage;

/// <summary>Coordinator to GPU actors: run this training step at this learning rate.</summary>
[MessagePackObject]
public sealed record RunStep([property: Key(0)] PassId Pass, [property: Key(1)] float Rate) : IProtocolMessage;

/// <summary>Coordinator to GPU actors: evaluate this batch.</summary>
[MessagePackObject]
public sealed record EvaluateBatch([property: Key(0)] PassId Pass) : IProtocolMessage;

/// <summary>GPU actor to coordinator: the pass is done, weights updated if it was a step.</summary>
/// <param name="Pass">Which pass.</param>
/// <param name="Towers">The towers this actor holds.</param>
/// <param name="Score">Of the whole batch: both towers know all logits.</param>
/// <param name="ComputeMs">Milliseconds in the towers.</param>
/// <param name="ExchangeMs">Milliseconds waiting for the other tower.</param>
/// <param name="DataMs">Milliseconds waiting for the batch.</param>
/// <param name="DeviceBuffers">Buffers that the device has allocated since the towers were built, or since the pass before.</param>
[MessagePackObject]
public sealed record PassDone([property: Key(0)] PassId Pass, [property: Key(1)] TowerId[] Towers, [property: Key(2)] Score Score, [property: Key(3)] double ComputeMs, [property: Key(4)] double ExchangeMs, [property: Key(5)] double DataMs, [property: Key(6)] int DeviceBuffers) : IProtocolMessage;

/// <summary>Coordinator to GPU actors: write your towers into this folder.</summary>
[MessagePackObject]
public sealed record SaveTowers([property: Key(0)] int Generation, [property: Key(1)] long Steps, [property: Key(2)] string Folder) : IProtocolMessage;

/// <summary>GPU actor to coordinator: one tower is written.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Steps">Steps done when it was captured.</param>
/// <param name="Tower">Which tower.</param>
/// <param name="FileSha256">Of its file.</param>
/// <param name="WeightHashes">Hashes of its parameters, for <see cref="WeightsDigest"/>.</param>
[MessagePackObject]
public sealed record TowerSaved([property: Key(0)] int Generation, [property: Key(1)] long Steps, [property: Key(2)] TowerId Tower, [property: Key(3)] string FileSha256, [property: Key(4)] byte[][] WeightHashes) : IProtocolMessage;

/// <summary>Any member to coordinator: I cannot go on. One line: what, where, what to do.</summary>
[MessagePackObject]
public sealed record MemberFailed([property: Key(0)] int Generation, [property: Key(1)] string Member, [property: Key(2)] string Reason) : IProtocolMessage;

/// <summary>To node and coordinator: after the pass that runs, write a checkpoint and end.</summary>
[MessagePackObject]
public sealed record StopRun : IProtocolMessage;
