using AlexNetActors.Model;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>Tower to tower: my half of an activation, or my part of a gradient. Handed over by reference within a process.</summary>
/// <param name="Exchange">Which meeting of which pass.</param>
/// <param name="From">The sending tower.</param>
/// <param name="Portion">Between processes values [B, C, H, W] float32, canonical unless both devices are of one kind.</param>
[MessagePackObject]
public sealed record ActivationReady([property: Key(0)] ExchangeId Exchange, [property: Key(1)] TowerId From, [property: Key(2)] Portion Portion) : IProtocolMessage;
