using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>What a frame carries. Alive carries nothing: it says that the sender's process lives.</summary>
public enum FrameKind : byte { Alive, Activation, Batch, Mean, State }

/// <summary>How the numbers of a payload lie in it, little-endian.</summary>
public enum ElementType : byte { UInt8, Float32, BFloat16 }

/// <summary>What a frame says of its payload.</summary>
/// <param name="Kind">What it carries.</param>
/// <param name="Pass">The pass it belongs to; its generation fences it.</param>
/// <param name="Exchange">Of an activation: which way.</param>
/// <param name="Part">Of an activation: the segment; of anything cut into parts: the part's index.</param>
/// <param name="Tower">Whose it is.</param>
/// <param name="Element">How its numbers lie.</param>
/// <param name="Bytes">Size of the payload.</param>
public readonly record struct FrameHeader(FrameKind Kind, PassId Pass, ExchangeKind Exchange, byte Part, TowerId Tower, ElementType Element, int Bytes);
