namespace AlexNetActors.Actors;

/// <summary>
/// One end of a connection, for who owns it: it may be disposed of before the connection stands, or just then, and ends it all the same. A peer that dials
/// again has given up the connection that it had, or never knew of it: the new one takes its place, and nobody hears of the end of the old.
/// </summary>
/// <param name="lost">One line, on the connection's thread.</param>
abstract class TensorLink(Action<string> lost) : IDisposable
{
    readonly Lock _lock = new();
    volatile TensorConnection? _connection;
    bool _disposed;

    /// <summary>Null until it stands.</summary>
    protected TensorConnection? Connection => _connection;

    /// <summary>On the connection's thread.</summary>
    public void Connected(TensorConnection connection)
    {
        lock (_lock)
        {
            _connection?.Dispose();
            _connection = connection;
            if (_disposed) connection.Dispose();
            if (_disposed) return;
        }
        Stands();
    }

    /// <summary>The connection stands.</summary>
    protected virtual void Stands() { }

    public void Lost(string reason)
    {
        if (_connection is not { Ended: false }) lost(reason); // else of the one before, which was at its end when this one came
    }

    public void Dispose()
    {
        lock (_lock) _disposed = true;
        _connection?.Dispose();
    }
}
