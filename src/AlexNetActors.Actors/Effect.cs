using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>What the coordinator's shell carries out; the state itself touches nothing.</summary>
public abstract record Effect
{
    /// <summary>Tell the GPU actors that hold the towers.</summary>
    public sealed record ToGpus(IProtocolMessage Message) : Effect;

    /// <summary>Tell the loaders that serve.</summary>
    public sealed record ToLoaders(IProtocolMessage Message) : Effect;

    /// <summary>Tell a node.</summary>
    public sealed record Answer(NodeOffer Node, IProtocolMessage Message) : Effect;

    /// <summary>Tell all GPU actors who holds the towers.</summary>
    public sealed record Form : Effect;

    /// <summary>Tell all GPU actors and loaders that the group is no more.</summary>
    public sealed record Disband(DisbandGroup Message) : Effect;

    /// <summary>Tell each loader which batches are its own.</summary>
    public sealed record AssignLoaders : Effect;

    /// <summary>Have the archive send the towers what this checkpoint holds; answered by <see cref="CheckpointDamaged"/> if it cannot.</summary>
    public sealed record SendCheckpoint(string Folder) : Effect;

    /// <summary>Have the towers send their states to the archive.</summary>
    public sealed record BeginCheckpoint(long Steps) : Effect;

    /// <summary>Write the manifest and give the checkpoint its name; answered by <see cref="CheckpointCommitted"/>.</summary>
    public sealed record CommitCheckpoint(RunProgress Progress, IReadOnlyList<TowerSaved> Towers) : Effect;

    /// <summary>Tell whoever watches the run.</summary>
    public sealed record Publish(IRunEvent Event) : Effect;

    /// <summary>Start the deadline anew; when it passes, <see cref="DeadlinePassed"/> comes, and now and then until then <see cref="Nudged"/>.</summary>
    public sealed record Expect : Effect;

    /// <summary>Nothing is awaited any more.</summary>
    public sealed record ExpectNothing : Effect;
}

/// <summary>From the shell: what was awaited did not come in time.</summary>
/// <param name="Seconds">How long it was awaited.</param>
public sealed record DeadlinePassed(double Seconds);

/// <summary>From the shell: the checkpoint has its name.</summary>
/// <param name="Progress">How far the run was with it.</param>
/// <param name="Folder">Its path.</param>
/// <param name="WeightsSha256">Digest of its weights.</param>
public sealed record CheckpointCommitted(RunProgress Progress, string Folder, string WeightsSha256) : INoSerializationVerificationNeeded;

/// <summary>From the shell: the checkpoint cannot be written. One line: what, where, what to do.</summary>
public sealed record CheckpointFailed(int Generation, string Reason) : INoSerializationVerificationNeeded;

/// <summary>From the shell: the checkpoint that was to be loaded is damaged.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Reason">What is damaged.</param>
/// <param name="Before">The newest one that is whole; null for none.</param>
public sealed record CheckpointDamaged(int Generation, string Reason, SavedPoint? Before) : INoSerializationVerificationNeeded;

/// <summary>A checkpoint and how far the run was.</summary>
public sealed record SavedPoint(RunProgress Progress, string Folder);
