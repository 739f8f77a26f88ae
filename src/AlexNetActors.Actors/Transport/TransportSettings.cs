namespace AlexNetActors.Actors;

/// <summary>How a process moves tensors to and from others; read once from HOCON.</summary>
/// <param name="Host">Address or name that is listened on.</param>
/// <param name="Port">Port that is listened on; 0 takes any.</param>
/// <param name="AdvertisedHost">Address or name by which others reach this process.</param>
/// <param name="Credentials">This node's certificate and the cluster's authority: TLS, both ways. Null: unencrypted.</param>
/// <param name="HandshakeDeadline">Longest time from the connection to its acceptance.</param>
/// <param name="IdleDeadline">A peer from which nothing comes for so long is lost; it is told that this process lives four times as often.</param>
/// <param name="ConnectDeadline">How long a peer that is not there yet is dialled again.</param>
/// <param name="SendDeadline">Longest time a full queue may hold a sender up; then the connection is lost.</param>
/// <param name="SendQueueFrames">Frames that may wait to be sent on one connection.</param>
public sealed record TransportSettings(
    string Host, int Port, string AdvertisedHost, NodeCredentials? Credentials,
    TimeSpan HandshakeDeadline, TimeSpan IdleDeadline, TimeSpan ConnectDeadline, TimeSpan SendDeadline, int SendQueueFrames)
{
    /// <summary>What is to go wrong on purpose; null outside fault plans.</summary>
    public FaultPoints? Faults { get; init; }
}
