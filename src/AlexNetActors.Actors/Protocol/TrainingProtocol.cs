using Akka.Actor;
using AlexNetActors.Data;
using AlexNetActors.Model;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>Marks what may travel: only these types have a manifest, everything else is refused.</summary>
public interface IProtocolMessage;

/// <summary>Marks what only the coordinator that formed a group may tell its members.</summary>
public interface IGroupCommand : IProtocolMessage;

/// <summary>GPU actor to coordinator: my device is open, my towers are built and my connections stand.</summary>
[MessagePackObject]
public sealed record GpuReady([property: Key(0)] int Generation, [property: Key(1)] TowerId[] Towers) : IProtocolMessage;

/// <summary>Coordinator to GPU actors: fill your towers.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="From">Where the weights come from.</param>
/// <param name="Progress">How far the run is with them.</param>
/// <param name="Givers">From memory: names of the nodes that hold tower A's and tower B's snapshot; else empty.</param>
[MessagePackObject]
public sealed record LoadTowers([property: Key(0)] int Generation, [property: Key(1)] WeightSource From, [property: Key(2)] RunProgress Progress, [property: Key(3)] string[] Givers) : IGroupCommand;

/// <summary>Where a group's weights come from: the recipe's seed, a checkpoint that the archive sends, or snapshots in the members' memory.</summary>
public enum WeightSource : byte { Seed, Archive, Memory }

/// <summary>GPU actor to coordinator: my towers hold their weights.</summary>
[MessagePackObject]
public sealed record TowersLoaded([property: Key(0)] int Generation, [property: Key(1)] TowerId[] Towers) : IProtocolMessage;

/// <summary>Coordinator to GPU actors: run this training step at this learning rate.</summary>
[MessagePackObject]
public sealed record RunStep([property: Key(0)] PassId Pass, [property: Key(1)] float Rate) : IGroupCommand;

/// <summary>Coordinator to GPU actors: evaluate this batch.</summary>
[MessagePackObject]
public sealed record EvaluateBatch([property: Key(0)] PassId Pass) : IGroupCommand;

/// <summary>GPU actor to coordinator: the pass is done, weights updated if it was a step.</summary>
/// <param name="Pass">Which pass.</param>
/// <param name="Towers">The towers this actor holds.</param>
/// <param name="Score">Of the whole batch: both towers know all logits.</param>
/// <param name="ComputeMs">Milliseconds in the towers.</param>
/// <param name="ExchangeMs">Milliseconds waiting for the other tower.</param>
/// <param name="DataMs">Milliseconds waiting for the batch.</param>
/// <param name="DeviceBuffers">Buffers that the device has allocated since the towers were built, or since the pass before.</param>
/// <param name="Exchanges">When its exchanges happened; empty where both towers are on one thread.</param>
/// <param name="Records">The records that a step was trained on; null after an evaluation.</param>
[MessagePackObject]
public sealed record PassDone([property: Key(0)] PassId Pass, [property: Key(1)] TowerId[] Towers, [property: Key(2)] Score Score, [property: Key(3)] double ComputeMs, [property: Key(4)] double ExchangeMs, [property: Key(5)] double DataMs, [property: Key(6)] int DeviceBuffers, [property: Key(7)] ExchangeTime[] Exchanges, [property: Key(8)] StepRecords? Records) : IProtocolMessage;

/// <summary>Coordinator to GPU actors: send your towers to the archive.</summary>
[MessagePackObject]
public sealed record SaveTowers([property: Key(0)] int Generation, [property: Key(1)] long Steps) : IGroupCommand;

/// <summary>
/// A tower's weights and velocities on their way to or from the archive; by reference within a process, as frames of a tensor connection
/// between two. What is sent stays untouched until the next checkpoint is asked for.
/// </summary>
public sealed record TowerStateReady(int Generation, long Steps, TowerState State) : INoSerializationVerificationNeeded;

/// <summary>Archive to coordinator: one tower is written.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Steps">Steps done when it was captured.</param>
/// <param name="Tower">Which tower.</param>
/// <param name="FileSha256">Of its file.</param>
/// <param name="WeightHashes">Hashes of its parameters, for <see cref="WeightsDigest"/>.</param>
[MessagePackObject]
public sealed record TowerSaved([property: Key(0)] int Generation, [property: Key(1)] long Steps, [property: Key(2)] TowerId Tower, [property: Key(3)] string FileSha256, [property: Key(4)] byte[][] WeightHashes) : IProtocolMessage;

/// <summary>GPU actor to coordinator: this batch does not come. Said again as long as that is so.</summary>
/// <param name="Pass">Whose batch.</param>
/// <param name="Towers">The towers this actor holds.</param>
[MessagePackObject]
public sealed record BatchMissing([property: Key(0)] PassId Pass, [property: Key(1)] TowerId[] Towers) : IProtocolMessage;

/// <summary>Loader to coordinator: I cannot go on. One line: what, where, what to do.</summary>
[MessagePackObject]
public sealed record LoaderFailed([property: Key(0)] int Generation, [property: Key(1)] string Node, [property: Key(2)] string Reason) : IProtocolMessage;

/// <summary>What a person asks of a run that goes on; the coordinator does it where the next step would begin.</summary>
public interface IRunOrder : IProtocolMessage;

/// <summary>To node and coordinator: wait before the next step.</summary>
[MessagePackObject]
public sealed record PauseRun : IRunOrder;

/// <summary>To node and coordinator: wait no more.</summary>
[MessagePackObject]
public sealed record ContinueRun : IRunOrder;

/// <summary>To node and coordinator: write a checkpoint before the next step, or at once in a pause.</summary>
[MessagePackObject]
public sealed record SaveRun : IRunOrder;

/// <summary>Any member to coordinator: I cannot go on. One line: what, where, what to do.</summary>
[MessagePackObject]
public sealed record MemberFailed([property: Key(0)] int Generation, [property: Key(1)] string Member, [property: Key(2)] string Reason, [property: Key(3)] TowerId[] Suspects) : IProtocolMessage;

/// <summary>
/// GPU actor to coordinator: a number is not finite; the pass was stopped, before its update if it was a step, or a state was not captured.
/// From the coordinator to whoever watches the run: what was found first.
/// </summary>
/// <param name="Pass">Which pass; where a state was not captured, the last one that ran.</param>
/// <param name="Towers">The towers this actor holds.</param>
/// <param name="Device">Which device, of which node.</param>
/// <param name="Tower">Where it was found.</param>
/// <param name="Layer">Where it was found.</param>
/// <param name="What">"the weights", "the gradient by the inputs".</param>
/// <param name="Given">It came in an exchange.</param>
/// <param name="Records">Index of each record of the batch in its pack; empty where a state was not captured.</param>
[MessagePackObject]
public sealed record NumbersWentWrong(
    [property: Key(0)] PassId Pass, [property: Key(1)] TowerId[] Towers, [property: Key(2)] string Device, [property: Key(3)] TowerId Tower,
    [property: Key(4)] string Layer, [property: Key(5)] string What, [property: Key(6)] bool Given, [property: Key(7)] int[] Records) : IRunEvent
{
    [IgnoreMember]
    public NotFinite Found => new(Tower, Layer, What, Given);

    /// <summary>Where the run folder keeps the batch's records.</summary>
    [IgnoreMember]
    public string FileName => $"not-finite-{(Pass.Kind == PassKind.Train ? "step" : "evaluation")}-{Pass.Number}.json";

    public override string ToString() =>
        Records.Length == 0 ? $"after {Pass} a state was not kept: {Found} ({Device})" : $"{Pass} was stopped{(Pass.Kind == PassKind.Train ? " before its update" : "")}: {Found} ({Device})";
}

/// <summary>To node and coordinator: after the pass that runs, write a checkpoint and end.</summary>
/// <param name="HandsOver">Another coordinator takes the run up from that checkpoint: the other nodes stay.</param>
[MessagePackObject]
public sealed record StopRun([property: Key(0)] bool HandsOver = false) : IProtocolMessage;
