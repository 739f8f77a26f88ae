using Akka.Actor;
using AlexNetActors.Data;
using AlexNetActors.Model;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>
/// Coordinator to loaders: batches [From, Until) of this kind may be prepared, each once by whoever was assigned it. The window between
/// what is done and Until is the read-ahead; a batch's buffer is used again only when credit says that its pass is done.
/// </summary>
[MessagePackObject]
public sealed record GrantCredit([property: Key(0)] int Generation, [property: Key(1)] PassKind Kind, [property: Key(2)] long From, [property: Key(3)] long Until) : IProtocolMessage;

/// <summary>Loader to GPU actors: the batch of this pass. Its tensor bytes never pass the coordinator.</summary>
/// <param name="Pass">Which pass.</param>
/// <param name="Batch">Untouched until the pass is done.</param>
[MessagePackObject]
public sealed record BatchReady([property: Key(0)] PassId Pass, [property: Key(1)] Batch Batch) : IProtocolMessage
{
    /// <summary>Takes the batch back when it is not needed any more; null where credit says so by itself.</summary>
    [IgnoreMember]
    public Action<Batch>? Return { get; init; }
}

/// <summary>Loader to GPU actors: the training set's mean image, [R, R, 3]. By reference within a process, as a frame between two.</summary>
public sealed record MeanReady(int Generation, float[] Mean) : INoSerializationVerificationNeeded;
