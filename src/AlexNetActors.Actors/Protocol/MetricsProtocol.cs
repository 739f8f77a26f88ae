using AlexNetActors.Data;
using AlexNetActors.Model;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>What the coordinator tells whoever watches the run.</summary>
public interface IRunEvent : IProtocolMessage;

/// <summary>How something stands at this moment: worth showing, not worth keeping.</summary>
public interface IRunReading : IRunEvent;

/// <summary>The group waits for members.</summary>
[MessagePackObject]
public sealed record GroupWaits([property: Key(0)] string For) : IRunEvent;

/// <summary>A node is one of the group's, or stands by.</summary>
[MessagePackObject]
public sealed record NodeJoined([property: Key(0)] string Node, [property: Key(1)] string Offers) : IRunEvent;

/// <summary>A node was refused.</summary>
[MessagePackObject]
public sealed record NodeTurnedAway([property: Key(0)] string Node, [property: Key(1)] string Reason) : IRunEvent;

/// <summary>A node is gone.</summary>
[MessagePackObject]
public sealed record NodeGone([property: Key(0)] string Node, [property: Key(1)] string Reason) : IRunEvent;

/// <summary>Who holds which tower from now on, and who serves.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Devices">Of tower A and tower B, or the one of both.</param>
/// <param name="Kind">Of the devices.</param>
/// <param name="Seats">In words, a line each.</param>
[MessagePackObject]
public sealed record GroupFormed([property: Key(0)] int Generation, [property: Key(1)] string[] Devices, [property: Key(2)] string Kind, [property: Key(3)] string[] Seats) : IRunEvent;

/// <summary>The group cannot go on as it is: it forms again, and goes back to its last snapshot or checkpoint.</summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Why">In words.</param>
[MessagePackObject]
public sealed record GroupBroken([property: Key(0)] int Generation, [property: Key(1)] string Why) : IRunEvent;

/// <summary>The batches are shared among other loaders from now on.</summary>
[MessagePackObject]
public sealed record LoadersChanged([property: Key(0)] string[] Nodes, [property: Key(1)] string Why) : IRunEvent;

/// <summary>The towers hold their weights, training goes on from here.</summary>
/// <param name="Steps">Steps done: what was measured behind them is done again.</param>
/// <param name="ValidatedSteps">Steps done at the last validation.</param>
/// <param name="Devices">Of tower A and tower B, or the one of both.</param>
/// <param name="From">What it goes on from: a checkpoint's folder, or whose memory; null when it starts.</param>
/// <param name="Ledger">Of the samples that those weights have seen.</param>
[MessagePackObject]
public sealed record RunStarted([property: Key(0)] long Steps, [property: Key(1)] long ValidatedSteps, [property: Key(2)] string[] Devices, [property: Key(3)] string? From, [property: Key(4)] Ledger Ledger) : IRunEvent;

/// <summary>A training step is done on both towers.</summary>
/// <param name="Step">Number of the step, from 0.</param>
/// <param name="Rate">Learning rate.</param>
/// <param name="Score">Loss and errors of its batch, under dropout.</param>
/// <param name="Towers">What it took of the towers.</param>
/// <param name="Records">The records that both towers say they trained on.</param>
[MessagePackObject]
public sealed record StepCompleted([property: Key(0)] long Step, [property: Key(1)] float Rate, [property: Key(2)] Score Score, [property: Key(3)] TowerTime[] Towers, [property: Key(4)] StepRecords Records) : IRunEvent;

/// <summary>
/// When an exchange happened in a pass, milliseconds from its beginning: the tower gave its portion, the other's arrived, the tower asked for
/// it, and had it. Between giving and asking the exchange was hidden behind computing, between asking and having it was waited for.
/// </summary>
/// <param name="Kind">0 gather, 1 sum: <see cref="ExchangeKind"/>.</param>
/// <param name="Segment">Before which segment; their number means the loss.</param>
/// <param name="GivenMs">The tower gave its portion.</param>
/// <param name="ArrivedMs">The other's arrived.</param>
/// <param name="AskedMs">The tower asked for it.</param>
/// <param name="GotMs">The tower had it.</param>
[MessagePackObject]
public sealed record ExchangeTime(
    [property: Key(0)] byte Kind, [property: Key(1)] byte Segment, [property: Key(2)] double GivenMs, [property: Key(3)] double ArrivedMs, [property: Key(4)] double AskedMs, [property: Key(5)] double GotMs);

/// <summary>What a pass took of one GPU actor: milliseconds, buffers newly allocated on its device, and its exchanges.</summary>
[MessagePackObject]
public sealed record TowerTime([property: Key(0)] string Towers, [property: Key(1)] double ComputeMs, [property: Key(2)] double ExchangeMs, [property: Key(3)] double DataMs, [property: Key(4)] int DeviceBuffers, [property: Key(5)] ExchangeTime[] Exchanges);

/// <summary>The validation set was evaluated.</summary>
/// <param name="Steps">Training steps done.</param>
/// <param name="Epochs">Whole epochs done.</param>
/// <param name="Score">Centre crops of the whole validation set.</param>
/// <param name="Best">Whether it is the lowest top-1 error so far.</param>
/// <param name="Rate">Learning rate from here on.</param>
[MessagePackObject]
public sealed record ValidationCompleted([property: Key(0)] long Steps, [property: Key(1)] long Epochs, [property: Key(2)] Score Score, [property: Key(3)] bool Best, [property: Key(4)] float Rate) : IRunEvent;

/// <summary>A checkpoint has its name.</summary>
[MessagePackObject]
public sealed record CheckpointWritten([property: Key(0)] long Steps, [property: Key(1)] string Folder, [property: Key(2)] string WeightsSha256) : IRunEvent;

/// <summary>The run waits, as it was asked to.</summary>
[MessagePackObject]
public sealed record RunPaused([property: Key(0)] long Steps) : IRunEvent;

/// <summary>It waits no more.</summary>
[MessagePackObject]
public sealed record RunContinued([property: Key(0)] long Steps) : IRunEvent;

/// <summary>What a GPU actor's towers do at this moment.</summary>
[MessagePackObject]
public sealed record TowerActivity([property: Key(0)] TowerId[] Towers, [property: Key(1)] string Activity) : IRunReading;

/// <summary>What memory a node holds at this moment.</summary>
/// <param name="Node">Its name.</param>
/// <param name="ResidentBytes">Of its process, pages of mapped files included.</param>
[MessagePackObject]
public sealed record NodeMemory([property: Key(0)] string Node, [property: Key(1)] long ResidentBytes) : IRunReading;

/// <summary>The run is over, as planned.</summary>
[MessagePackObject]
public sealed record RunFinished([property: Key(0)] long Steps, [property: Key(1)] string Why) : IRunEvent;

/// <summary>The run cannot go on. One line: what, where, what to do.</summary>
[MessagePackObject]
public sealed record RunFailed([property: Key(0)] string Reason) : IRunEvent;
