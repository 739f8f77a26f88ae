namespace AlexNetActors.Actors;

/// <summary>
/// A connection that carries frames both ways, with a thread for each way. Every end of it ends both threads: the peer's, a frame that is refused,
/// a peer that is not heard, one's own Dispose.
/// </summary>
public sealed class TensorConnection : IDisposable
{
    const int SignsOfLife = 4; // an idle sender says so often within the peer's deadline that it lives

    readonly TensorSocket _socket;
    readonly string _peer;
    readonly IFrameReceiver _receiver;
    readonly TransportSettings _settings;
    readonly TransportCounters _counters;
    readonly SendQueue _queue;
    readonly FrameWriter _writer;
    readonly FrameReader _reader;
    readonly Lock _filling = new(), _sending = new(); // held while bytes go into a destination, and while a frame is sent from where it lies
    volatile bool _ended;
    int _endings, _threads = 2;

    /// <param name="socket">Accepted.</param>
    /// <param name="peer">Name and address, for messages.</param>
    /// <param name="receiver">Hears everything.</param>
    /// <param name="settings">Deadlines.</param>
    /// <param name="counters">Of the node.</param>
    internal TensorConnection(TensorSocket socket, string peer, IFrameReceiver receiver, TransportSettings settings, TransportCounters counters)
    {
        (_socket, _peer, _receiver, _settings, _counters) = (socket, peer, receiver, settings, counters);
        (_queue, _writer, _reader) = (new SendQueue(settings.SendQueueFrames), new FrameWriter(settings.Faults?.Disturbance.Over(socket) ?? socket.Stream), new FrameReader(socket.Stream));
    }

    /// <summary>
    /// Queues a frame and returns; waits while the queue is full. The memory stays untouched until the frame is sent, which only the peer's answer shows.
    /// Safe for any thread. Does nothing on a connection that has ended: Lost has said so. Frames still queued at its end are dropped.
    /// </summary>
    /// <exception cref="ArgumentException">The header tells another size, or Alive.</exception>
    public void Send(in FrameHeader header, ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second = default)
    {
        if (header.Kind == FrameKind.Alive || header.Bytes != first.Length + second.Length)
            throw new ArgumentException($"a frame {header.Kind} of {header.Bytes} bytes with a payload of {first.Length} + {second.Length}", nameof(header));
        if (!_queue.Put(new OutgoingFrame(header, first, second), _settings.SendDeadline))
            Lose($"has taken nothing for {_settings.SendDeadline.TotalSeconds:0.###} s: its queue of {_settings.SendQueueFrames} frames is full");
    }

    /// <summary>Everything that was to be sent has been: its memory may change.</summary>
    public bool Drained => _queue.Idle;

    internal bool Ended => _ended;

    /// <summary>Ends the connection without a word to the receiver. After this nothing that was to be sent is read and no byte written into a destination.</summary>
    public void Dispose() => End();

    /// <summary>The receiving thread: from Connected to the end.</summary>
    internal void Run()
    {
        new Thread(SendFrames) { Name = $"tensors to {_peer}", IsBackground = true }.Start();
        try
        {
            _receiver.Connected(this);
            while (!_ended) ReceiveFrame();
        }
        catch (FrameRefusedException e)
        {
            if (!_ended) _counters.FrameRefused();
            Lose($"sent a frame that is refused: {e.Message}");
        }
        catch (IOException e)
        {
            Lose(ConnectionEndedException.Of(e).Message);
        }
        LeaveThread();
    }

    void ReceiveFrame()
    {
        var header = _reader.ReadHeader();
        if (header.Kind != FrameKind.Alive)
        {
            var (first, second) = _receiver.Destination(header);
            if ((long)first.Length + second.Length != header.Bytes) throw new FrameRefusedException($"{header.Kind} of {header.Bytes} bytes, wanted {first.Length} + {second.Length}");
            Fill(first);
            Fill(second);
        }
        _reader.CheckTrailer(header);
        if (header.Kind == FrameKind.Alive || _ended) return;
        _counters.Received(header.Bytes);
        _receiver.Received(header);
    }

    void Fill(Memory<byte> destination)
    {
        for (int at = 0; at < destination.Length;)
        {
            lock (_filling)
            {
                if (_ended) throw new ConnectionEndedException("was disconnected");
                at += _reader.ReadPiece(destination.Span[at..]);
            }
        }
    }

    void SendFrames()
    {
        try
        {
            while (_queue.Take(_settings.IdleDeadline / SignsOfLife, out var frame))
            {
                lock (_sending)
                {
                    if (_ended) break;
                    _writer.Write(frame);
                }
                if (frame.Header.Kind != FrameKind.Alive) _counters.Sent(frame.Header.Bytes);
            }
        }
        catch (IOException e)
        {
            Lose(ConnectionEndedException.Of(e).Message);
        }
        LeaveThread();
    }

    void Lose(string what)
    {
        if (End()) _receiver.Lost($"{_peer} {what}");
    }

    /// <returns>Whether this call ended it.</returns>
    bool End()
    {
        bool first = Interlocked.Exchange(ref _endings, 1) == 0;
        if (first)
        {
            _ended = true;
            _socket.Cut(); // wakes both threads
            _queue.Close();
        }
        lock (_filling) { } // a piece that was being received is received: no other will be
        lock (_sending) { } // what was being sent was cut off: nobody reads it any more
        return first;
    }

    void LeaveThread()
    {
        if (Interlocked.Decrement(ref _threads) == 0) _socket.Dispose();
    }
}
