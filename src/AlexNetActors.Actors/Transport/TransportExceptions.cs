namespace AlexNetActors.Actors;

/// <summary>A frame or a connection that is not expected. Its message is one line: got, wanted.</summary>
public sealed class FrameRefusedException(string message) : Exception(message);

/// <summary>This node cannot listen. Its message is one line: what, where, what to do.</summary>
public sealed class TransportException(string message) : Exception(message);

/// <summary>A connection ended; the message goes on where the peer's name stands: "closed the connection".</summary>
/// <param name="message">What the peer did.</param>
/// <param name="late">A deadline passed.</param>
sealed class ConnectionEndedException(string message, bool late = false) : IOException(message)
{
    public bool Late => late;

    /// <summary>The end behind what a stream threw: SslStream wraps what its socket says.</summary>
    public static ConnectionEndedException Of(IOException e) => e as ConnectionEndedException ?? e.InnerException as ConnectionEndedException ?? new ConnectionEndedException($"broke the connection off ({e.Message})");
}
