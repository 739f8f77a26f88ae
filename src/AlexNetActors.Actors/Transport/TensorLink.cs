namespace AlexNetActors.Actors;

/// <summary>One end of a connection, for who owns it: it may be disposed of before the connection stands, or just then, and ends it all the same.</summary>
abstract class TensorLink : IDisposable
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
            _connection = connection;
            if (_disposed) connection.Dispose();
            if (_disposed) return;
        }
        Stands();
    }

    /// <summary>The connection stands.</summary>
    protected virtual void Stands() { }

    public void Dispose()
    {
        lock (_lock) _disposed = true;
        _connection?.Dispose();
    }
}
