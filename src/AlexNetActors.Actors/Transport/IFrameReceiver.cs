namespace AlexNetActors.Actors;

/// <summary>
/// The end of a connection. Called on the connection's own threads, one call at a time but for <see cref="Lost"/>, which may come
/// while another call is still under way. A call that takes long holds the peer's frames up; it does not lose the connection.
/// </summary>
public interface IFrameReceiver
{
    /// <summary>Before any frame.</summary>
    void Connected(TensorConnection connection);

    /// <summary>Where the payload goes, exactly <see cref="FrameHeader.Bytes"/> in all. From Lost or Dispose on nothing is written there.</summary>
    /// <exception cref="FrameRefusedException">This frame is not expected: wrong size, kind, generation. Counted; closes this connection only.</exception>
    (Memory<byte> First, Memory<byte> Second) Destination(in FrameHeader header);

    /// <summary>The payload is whole and its checksum right.</summary>
    /// <exception cref="FrameRefusedException">As above.</exception>
    void Received(in FrameHeader header);

    /// <summary>The connection is over, or never came to be. Once; not after one's own Dispose, though it may be under way when that is called.</summary>
    /// <param name="reason">One line that names the peer.</param>
    void Lost(string reason);
}
