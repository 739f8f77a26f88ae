using System.Diagnostics;

namespace AlexNetActors.Actors;

/// <summary>A frame that waits to be sent; the default is an Alive frame.</summary>
readonly record struct OutgoingFrame(FrameHeader Header, ReadOnlyMemory<byte> First, ReadOnlyMemory<byte> Second);

/// <summary>Frames on their way to the sending thread: bounded, first in first out, allocates nothing.</summary>
sealed class SendQueue(int capacity)
{
    readonly object _lock = new(); // a Monitor, for its Wait and Pulse
    readonly OutgoingFrame[] _frames = new OutgoingFrame[capacity];
    int _first, _count;
    bool _closed, _writing;

    /// <summary>Nothing waits, and what was taken last has been written.</summary>
    public bool Idle
    {
        get { lock (_lock) return _count == 0 && !_writing; }
    }

    /// <summary>Waits for room; true also when the queue is closed, which drops the frame.</summary>
    /// <returns>False if there was no room before the deadline.</returns>
    public bool Put(in OutgoingFrame frame, TimeSpan deadline)
    {
        lock (_lock)
        {
            long start = Stopwatch.GetTimestamp();
            while (_count == capacity && !_closed)
            {
                var left = deadline - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero) return false;
                Monitor.Wait(_lock, left);
            }
            if (_closed) return true;
            _frames[(_first + _count++) % capacity] = frame;
            Monitor.PulseAll(_lock);
            return true;
        }
    }

    /// <summary>The next frame, or an Alive frame if there is none for as long as <paramref name="patience"/>.</summary>
    /// <returns>False when the queue is closed.</returns>
    public bool Take(TimeSpan patience, out OutgoingFrame frame)
    {
        lock (_lock)
        {
            frame = default;
            _writing = false;
            if (_count == 0 && !_closed) Monitor.Wait(_lock, patience); // woken for nothing: an Alive frame too many
            if (_closed) return false;
            if (_count == 0) return true;
            frame = _frames[_first];
            _frames[_first] = default;
            (_first, _count) = ((_first + 1) % capacity, _count - 1);
            _writing = true;
            Monitor.PulseAll(_lock);
            return true;
        }
    }

    /// <summary>Drops what waits, and lets everyone go who waits here.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Array.Clear(_frames);
            Monitor.PulseAll(_lock);
        }
    }
}
