using AlexNetActors.Model;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>
/// Coordinator to GPU actors: keep your towers as they are after so many steps, in your node's memory and in your partner's. Training does not
/// wait for it.
/// </summary>
/// <param name="Generation">Incarnation of the group.</param>
/// <param name="Progress">How far the run is: it travels with the weights, so that another coordinator can go on from there without a file.</param>
/// <param name="Keep">Steps of the snapshot that must not be overwritten: the last that is whole everywhere; -1 for none.</param>
[MessagePackObject]
public sealed record TakeSnapshot([property: Key(0)] int Generation, [property: Key(1)] RunProgress Progress, [property: Key(2)] long Keep) : IGroupCommand;

/// <summary>A tower's snapshot in a node's memory, whole.</summary>
/// <param name="Tower">Which tower.</param>
/// <param name="Identity">Of the run: recipe, data set and kind of device. Snapshots of one identity and as many steps are equal, bit for bit.</param>
/// <param name="Progress">How far the run was.</param>
[MessagePackObject]
public sealed record HeldSnapshot([property: Key(0)] TowerId Tower, [property: Key(1)] string Identity, [property: Key(2)] RunProgress Progress);
