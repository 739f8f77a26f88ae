namespace AlexNetActors.Actors;

/// <summary>The connections of a node that carry frames; those that others opened are at most <see cref="AcceptedMax"/>.</summary>
sealed class OpenConnections : IDisposable
{
    public const int AcceptedMax = 64;

    readonly HashSet<TensorConnection> _open = [];
    int _accepted;
    bool _disposed;

    /// <summary>Takes a place for a connection that another node opens.</summary>
    /// <returns>False if none is left.</returns>
    public bool Reserve()
    {
        lock (_open)
        {
            if (_accepted == AcceptedMax) return false;
            _accepted++;
            return true;
        }
    }

    public void Release()
    {
        lock (_open) _accepted--;
    }

    /// <summary>Runs a connection to its end on this thread.</summary>
    public void Run(TensorConnection connection)
    {
        lock (_open)
        {
            _open.Add(connection);
            if (_disposed) connection.Dispose();
        }
        connection.Run();
        lock (_open) _open.Remove(connection);
    }

    public void Dispose()
    {
        TensorConnection[] open;
        lock (_open)
        {
            _disposed = true;
            open = [.. _open];
        }
        foreach (var connection in open) connection.Dispose();
    }
}
