using System.Diagnostics;
using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>A peer that hangs is lost by a deadline; one that is idle, or slow to take frames, is not.</summary>
public sealed class SilenceTests
{
    static readonly TimeSpan Idle = TimeSpan.FromSeconds(0.8);
    static readonly TransportSettings Quick = Links.Settings with { IdleDeadline = Idle };

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // while this side sends more than the sockets' buffers hold
    public void A_frozen_peer_is_lost_by_the_deadline(bool sending)
    {
        using var node = new TensorNode(Quick);
        var ear = new Ear(16);
        node.Expect("gpu-1", 3, _ => ear);
        using var frozen = RawPeer.Accepted(node, Links.Hello);
        var connection = ear.Connection();
        var clock = Stopwatch.StartNew();
        var sender = new Thread(() =>
        {
            for (int n = 0; n < 30; n++) connection.Send(Links.Header(11_059_200, n), new byte[11_059_200]);
        });
        if (sending) sender.Start();
        Assert.Matches("^gpu-0 at .* sent nothing for 0.8 s", ear.Loss());
        Assert.True(clock.Elapsed > Idle / 2, $"lost after {clock.Elapsed}");
        if (sending) Assert.True(sender.Join(Links.Deadline), "a sender still waits");
    }

    [Fact]
    public void Two_who_have_nothing_to_say_stay_connected()
    {
        using var pair = new Pair(Quick);
        Thread.Sleep(4 * Idle);
        pair.ToRight.Send(Links.Header(9), Links.Bytes(9, 1));
        Assert.Equal(9, pair.Right.Frame().Header.Bytes);
        Assert.Empty(pair.Left.Losses);
    }

    [Fact]
    public void A_receiver_that_takes_its_time_holds_the_sender_up_and_loses_nothing()
    {
        const int frames = 20;
        int received = 0;
        var slow = new Ear { OnReceived = () => Thread.Sleep(received++ == 0 ? 3 * Idle : TimeSpan.Zero) };
        using var pair = new Pair(Quick, right: slow);
        byte[] payload = Links.Bytes(11_059_200, 3);
        for (int n = 0; n < frames; n++) pair.ToRight.Send(Links.Header(payload.Length, n), payload); // more than queue and sockets hold
        for (int n = 0; n < frames; n++) Assert.Equal((Links.Header(payload.Length, n), Ear.DigestOf(payload)), slow.Frame());
        Assert.Empty(pair.Left.Losses);
        Assert.Empty(slow.Losses);
    }

    [Fact]
    public void A_receiver_that_takes_nothing_at_all_is_lost_when_the_queue_stays_full()
    {
        using var never = new ManualResetEventSlim();
        using var pair = new Pair(Quick with { SendDeadline = TimeSpan.FromSeconds(0.5) }, right: new Ear { OnReceived = never.Wait });
        byte[] payload = new byte[11_059_200];
        while (pair.Left.Losses.Count == 0) pair.ToRight.Send(Links.Header(payload.Length), payload);
        Assert.EndsWith($"has taken nothing for 0.5 s: its queue of {Quick.SendQueueFrames} frames is full", pair.Left.Loss());
        never.Set();
        Assert.Contains("the connection", pair.Right.Loss());
    }

    [Fact]
    public void After_its_end_nothing_is_written_any_more()
    {
        byte[] place = new byte[8 << 20], payload = new byte[8 << 20];
        payload.AsSpan().Fill(1);
        for (int n = 0; n < 20; n++)
        {
            var receiver = new Place(place);
            using var right = new TensorNode(Quick);
            using var left = new TensorNode(Quick);
            var ear = new Ear(16);
            right.Expect("gpu-1", 3, _ => receiver);
            left.Connect(right.Endpoint, Links.Hello, ear);
            var connection = ear.Connection();
            for (int frame = 0; frame < 8; frame++) connection.Send(Links.Header(payload.Length), payload);
            Links.Until(() => Volatile.Read(ref place[n << 10]) == 1, "bytes of a frame");
            receiver.Connection!.Dispose();
            place.AsSpan().Clear();
            Assert.Contains("connection", ear.Loss());
            Assert.False(place.AsSpan().ContainsAnyExcept((byte)0), "written after the end");
        }
    }

    /// <summary>A whole frame lies in the socket when the connection ends: it is neither written nor said to have come.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public void What_has_come_by_its_end_is_not_taken(int bytes)
    {
        using var node = new TensorNode(Quick);
        var receiver = new EndsAtAFrame(new byte[bytes]);
        node.Expect("gpu-1", 3, _ => receiver);
        using var peer = RawPeer.Accepted(node, Links.Hello);
        peer.Stream.Write(RawPeer.Frame(Links.Header(bytes), Links.Bytes(bytes, 1)));
        Links.Until(() => receiver.Receives is not null, "a frame");
        Assert.True(receiver.Receives!.Join(Links.Deadline), "its thread goes on");
        Assert.False(receiver.Place.AsSpan().ContainsAnyExcept((byte)0), "written after the end");
        Assert.False(receiver.Took, "received after the end");
    }

    sealed class EndsAtAFrame(byte[] place) : IFrameReceiver
    {
        TensorConnection? _connection;
        volatile Thread? _receives;

        public byte[] Place => place;

        /// <summary>The connection's thread, once it has ended the connection.</summary>
        public Thread? Receives => _receives;

        public bool Took { get; private set; }

        void IFrameReceiver.Connected(TensorConnection connection) => _connection = connection;

        (Memory<byte> First, Memory<byte> Second) IFrameReceiver.Destination(in FrameHeader header)
        {
            _connection!.Dispose();
            _receives = Thread.CurrentThread;
            return (place, default);
        }

        void IFrameReceiver.Received(in FrameHeader header) => Took = true;

        void IFrameReceiver.Lost(string reason) { }
    }

    sealed class Place(byte[] place) : IFrameReceiver
    {
        public TensorConnection? Connection { get; private set; }

        void IFrameReceiver.Connected(TensorConnection connection) => Connection = connection;

        (Memory<byte> First, Memory<byte> Second) IFrameReceiver.Destination(in FrameHeader header) => (place, default);

        void IFrameReceiver.Received(in FrameHeader header) { }

        void IFrameReceiver.Lost(string reason) => Assert.Fail(reason);
    }
}
