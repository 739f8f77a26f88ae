using System.Diagnostics;

namespace AlexNetActors.Actors;

/// <summary>What goes wrong on purpose with the tensors that a process sends: later, slower, with another byte, or not at all.</summary>
public sealed class Disturbance
{
    const int AliveBytes = FrameFormat.HeaderBytes + FrameFormat.TrailerBytes; // a frame that carries nothing

    readonly List<WeakReference<TensorSocket>> _sockets = [];
    volatile Late? _delay;
    volatile Rate? _rate;
    int _corrupt;

    /// <summary>Each write waits so long before.</summary>
    public void Delay(TimeSpan by, TimeSpan? time) => _delay = new Late(by, Until(time));

    /// <summary>No more than so many bytes a second on a connection.</summary>
    public void Throttle(long bytesPerSecond, TimeSpan? time) => _rate = new Rate(bytesPerSecond, Until(time));

    /// <summary>One byte of the next frame that carries something.</summary>
    public void CorruptNext() => Volatile.Write(ref _corrupt, 1);

    /// <summary>Every open connection, as if a router had forgotten them.</summary>
    public void Reset()
    {
        lock (_sockets)
            foreach (var weak in _sockets)
                if (weak.TryGetTarget(out var socket)) socket.Reset();
    }

    internal static long Until(TimeSpan? time) => time is { } t ? Environment.TickCount64 + (long)t.TotalMilliseconds : long.MaxValue;

    /// <summary>What a new connection writes to instead.</summary>
    internal Stream Over(TensorSocket socket)
    {
        lock (_sockets)
        {
            _sockets.RemoveAll(w => !w.TryGetTarget(out _));
            _sockets.Add(new WeakReference<TensorSocket>(socket));
        }
        return new Disturbed(this, socket.Stream);
    }

    sealed record Late(TimeSpan By, long Until);

    sealed record Rate(double BytesPerSecond, long Until);

    sealed class Disturbed(Disturbance disturbance, Stream stream) : Stream
    {
        public override void Write(ReadOnlySpan<byte> bytes)
        {
            long start = Stopwatch.GetTimestamp();
            if (disturbance._delay is { } late && Environment.TickCount64 < late.Until) Thread.Sleep(late.By);
            if (bytes.Length > AliveBytes && Interlocked.Exchange(ref disturbance._corrupt, 0) == 1)
            {
                byte[] other = bytes.ToArray();
                other[other.Length / 2] ^= 0x10;
                stream.Write(other);
            }
            else
                stream.Write(bytes);
            if (disturbance._rate is not { } rate || Environment.TickCount64 >= rate.Until) return;
            var left = TimeSpan.FromSeconds(bytes.Length / rate.BytesPerSecond) - Stopwatch.GetElapsedTime(start);
            if (left > TimeSpan.Zero) Thread.Sleep(left);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => stream.Flush();

        public override bool CanRead => false;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
