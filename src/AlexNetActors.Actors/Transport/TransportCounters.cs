namespace AlexNetActors.Actors;

/// <summary>
/// Why a connection was refused. Garbage: no hello of ours. Version: of another release. Security: no TLS where it is wanted, or the other way round, or a
/// certificate that is not the cluster's. Slow: not accepted within the handshake's deadline, or displaced by newer ones. Busy: no room. OldGeneration,
/// NotYet: the group has moved on, or is not there yet. Unwanted: the actor does not want it.
/// </summary>
public enum Refusal { Garbage, Version, Security, Slow, Busy, OldGeneration, NotYet, Unwanted }

/// <summary>What a node's tensor connections have seen since its start. Safe for any thread.</summary>
public sealed class TransportCounters
{
    readonly long[] _refusals = new long[Enum.GetValues<Refusal>().Length];
    long _framesSent, _bytesSent, _framesReceived, _bytesReceived, _framesRefused;

    /// <summary>Frames with a payload, and their payload's bytes.</summary>
    public long FramesSent => Volatile.Read(ref _framesSent);

    public long BytesSent => Volatile.Read(ref _bytesSent);

    public long FramesReceived => Volatile.Read(ref _framesReceived);

    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    /// <summary>Frames that were damaged or not expected; each closed its connection.</summary>
    public long FramesRefused => Volatile.Read(ref _framesRefused);

    /// <summary>Connections refused for this reason.</summary>
    public long ConnectionsRefused(Refusal reason) => Volatile.Read(ref _refusals[(int)reason]);

    internal void Refused(Refusal reason) => Interlocked.Increment(ref _refusals[(int)reason]);

    internal void FrameRefused() => Interlocked.Increment(ref _framesRefused);

    internal void Sent(int bytes)
    {
        Interlocked.Increment(ref _framesSent);
        Interlocked.Add(ref _bytesSent, bytes);
    }

    internal void Received(int bytes)
    {
        Interlocked.Increment(ref _framesReceived);
        Interlocked.Add(ref _bytesReceived, bytes);
    }
}
