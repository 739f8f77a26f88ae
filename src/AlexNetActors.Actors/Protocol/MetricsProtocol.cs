using AlexNetActors.Model;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>What the coordinator tells whoever watches the run.</summary>
public interface IRunEvent : IProtocolMessage;

/// <summary>The group waits for members.</summary>
[MessagePackObject]
public sealed record GroupWaits([property: Key(0)] string For) : IRunEvent;

/// <summary>The towers hold their weights, training goes on from here.</summary>
[MessagePackObject]
public sealed record RunStarted([property: Key(0)] long Steps, [property: Key(1)] string[] Devices, [property: Key(2)] string? Checkpoint) : IRunEvent;

/// <summary>A training step is done on both towers.</summary>
/// <param name="Step">Number of the step, from 0.</param>
/// <param name="Rate">Learning rate.</param>
/// <param name="Score">Loss and errors of its batch, under dropout.</param>
/// <param name="Towers">What it took of the towers.</param>
[MessagePackObject]
public sealed record StepCompleted([property: Key(0)] long Step, [property: Key(1)] float Rate, [property: Key(2)] Score Score, [property: Key(3)] TowerTime[] Towers) : IRunEvent;

/// <summary>What a pass took of one GPU actor: milliseconds, and buffers newly allocated on its device.</summary>
[MessagePackObject]
public sealed record TowerTime([property: Key(0)] string Towers, [property: Key(1)] double ComputeMs, [property: Key(2)] double ExchangeMs, [property: Key(3)] double DataMs, [property: Key(4)] int DeviceBuffers);

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

/// <summary>What a GPU actor's towers do at this moment.</summary>
[MessagePackObject]
public sealed record TowerActivity([property: Key(0)] TowerId[] Towers, [property: Key(1)] string Activity) : IRunEvent;

/// <summary>The run is over, as planned.</summary>
[MessagePackObject]
public sealed record RunFinished([property: Key(0)] long Steps, [property: Key(1)] string Why) : IRunEvent;

/// <summary>The run cannot go on. One line: what, where, what to do.</summary>
[MessagePackObject]
public sealed record RunFailed([property: Key(0)] string Reason) : IRunEvent;
