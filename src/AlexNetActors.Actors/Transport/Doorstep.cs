using System.Diagnostics;

namespace AlexNetActors.Actors;

/// <summary>
/// Connections that are not accepted yet: a bounded number, whatever strangers do. The longest there makes room for the next one, for a member is through
/// in milliseconds and a stranger may stand there until its deadline.
/// </summary>
sealed class Doorstep(int room)
{
    readonly object _lock = new(); // a Monitor, for its Wait and Pulse
    readonly LinkedList<TensorSocket> _waiting = []; // oldest first
    readonly HashSet<TensorSocket> _leaving = [];

    /// <returns>False if there was no room before the deadline.</returns>
    public bool Enter(TensorSocket socket, TimeSpan deadline)
    {
        lock (_lock)
        {
            long start = Stopwatch.GetTimestamp();
            if (_waiting.Count + _leaving.Count == room && _waiting.First is { } oldest)
            {
                _waiting.RemoveFirst();
                _leaving.Add(oldest.Value);
                oldest.Value.Cut();
            }
            while (_waiting.Count + _leaving.Count == room)
            {
                var left = deadline - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero) return false;
                Monitor.Wait(_lock, left);
            }
            _waiting.AddLast(socket);
            return true;
        }
    }

    /// <summary>Accepted or refused; does nothing if it has left.</summary>
    public void Leave(TensorSocket socket)
    {
        lock (_lock)
        {
            if (_waiting.Remove(socket) || _leaving.Remove(socket)) Monitor.Pulse(_lock);
        }
    }

    /// <summary>Sends all away.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            foreach (var socket in _waiting) socket.Cut();
        }
    }
}
