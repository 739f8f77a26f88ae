using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AlexNetActors.Actors;
using AlexNetActors.App;
using MessagePack;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Who is let in, who is asked to come again, who never; and that each of it ends.</summary>
public sealed class HandshakeTests : IDisposable
{
    readonly TensorNode _left = new(Links.Settings), _right = new(Links.Settings);
    readonly Ear _ear = new(16);

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }

    [Fact]
    public void An_old_generation_is_refused_for_good()
    {
        _right.Expect("gpu-1", 4, _ => new Ear(16));
        _left.Connect(_right.Endpoint, Links.Hello, _ear);
        Assert.Equal($"gpu-1 at {_right.Endpoint} refused gpu-0: old generation 3, now 4", _ear.Loss()); // and was not dialled again, or it would say for how long
        Assert.Equal(1, _right.Counters.ConnectionsRefused(Refusal.OldGeneration));
    }

    [Fact]
    public void Who_comes_early_comes_again()
    {
        _left.Connect(_right.Endpoint, Links.Hello, _ear);
        Links.Until(() => _right.Counters.ConnectionsRefused(Refusal.NotYet) > 1, "two early visits");
        _right.Expect("gpu-1", 2, _ => new Ear(16)); // the group before
        long visits = _right.Counters.ConnectionsRefused(Refusal.NotYet);
        Links.Until(() => _right.Counters.ConnectionsRefused(Refusal.NotYet) > visits + 1, "two more");
        TensorHello? heard = null;
        _right.Expect("gpu-1", 3, hello =>
        {
            heard = hello;
            return new Ear(16);
        });
        _ear.Connection();
        Assert.Equal(Links.Hello, heard);
    }

    [Fact]
    public void A_node_that_starts_later_is_found()
    {
        int port;
        using (var before = new TcpListener(IPAddress.Loopback, 0)) // there first, and hangs up: after that a dial finds nobody
        {
            before.Start();
            port = ((IPEndPoint)before.LocalEndpoint).Port;
            _left.Connect($"127.0.0.1:{port}", Links.Hello, _ear);
            before.AcceptTcpClient().Dispose();
        }
        using var late = new TensorNode(Links.Settings with { Port = port });
        late.Expect("gpu-1", 3, _ => new Ear(16));
        _ear.Connection();
    }

    [Fact]
    public void Dialling_ends()
    {
        using var hasty = new TensorNode(Links.Settings with { ConnectDeadline = TimeSpan.FromSeconds(0.3) });
        hasty.Connect(_right.Endpoint, Links.Hello, _ear);
        Assert.Equal($"gpu-1 at {_right.Endpoint} refused gpu-0: nobody named gpu-1 is there yet; dialled for 0.3 s", _ear.Loss());
        int port = FreePorts.Take();
        hasty.Connect($"127.0.0.1:{port}", Links.Hello, _ear);
        Assert.Equal($"gpu-1 at 127.0.0.1:{port} cannot be reached (ConnectionRefused); dialled for 0.3 s", _ear.Loss());
        hasty.Connect("0.0.0.0:1", Links.Hello, _ear); // another node may offer what is no address
        Assert.Equal("gpu-1 at 0.0.0.0:1 cannot be reached (HostNotFound); dialled for 0.3 s", _ear.Loss());
        hasty.Connect("nonsense", Links.Hello, _ear);
        Assert.Equal("gpu-1 at nonsense cannot be dialled: wanted host:port", _ear.Loss());
    }

    [Theory]
    [InlineData(true)] // listens, and never accepts: the backlog is full
    [InlineData(false)] // accepts, and never answers
    public void A_peer_that_hangs_holds_nobody_up(bool full)
    {
        var quick = TimeSpan.FromSeconds(0.3);
        using var hasty = new TensorNode(Links.Settings with { HandshakeDeadline = quick, ConnectDeadline = quick });
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(full ? 0 : 10);
        using var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (full) filler.Connect(listener.LocalEndPoint!);
        hasty.Connect(listener.LocalEndPoint!.ToString()!, Links.Hello, _ear);
        Assert.Contains(full ? "cannot be reached" : "took too long", _ear.Loss());
    }

    [Fact]
    public void Another_program_behind_the_port_is_named_so()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _left.Connect(listener.LocalEndpoint.ToString()!, Links.Hello, _ear);
        using var accepted = listener.AcceptTcpClient();
        accepted.GetStream().Write("HTTP/1.1 400 Bad Request\r\n\r\n"u8);
        Assert.Equal($"gpu-1 at {listener.LocalEndpoint} gave an answer that is not one of the tensor transport: is another program listening there?", _ear.Loss());
    }

    [Fact]
    public void What_the_actor_does_not_want_is_refused_with_its_words()
    {
        _right.Expect("gpu-1", 3, hello => throw new FrameRefusedException($"no {hello.Purpose} today"));
        _left.Connect(_right.Endpoint, Links.Hello, _ear);
        Assert.Equal($"gpu-1 at {_right.Endpoint} refused gpu-0: no Exchange today", _ear.Loss());
        Assert.Equal(1, _right.Counters.ConnectionsRefused(Refusal.Unwanted));
    }

    [Fact]
    public void Another_program_is_told_nothing()
    {
        using var peer = new RawPeer(_right);
        peer.Stream.Write("GET / HTTP/1.1\r\nHost: here\r\n\r\n"u8);
        Assert.Equal(0, peer.WaitForEnd());
        Assert.Equal(1, _right.Counters.ConnectionsRefused(Refusal.Garbage));
    }

    /// <summary>Its link was told to expect it, and would wait for it.</summary>
    [Fact]
    public void One_that_is_gone_before_it_is_let_in_is_lost()
    {
        using var peer = new RawPeer(_right);
        _right.Expect("gpu-1", 3, _ =>
        {
            peer.Vanish();
            peer.Dispose();
            return _ear;
        });
        HelloFormat.WriteHello(peer.Stream, Links.Hello);
        Assert.StartsWith("gpu-0 at 127.0.0.1:", _ear.Loss());
        Assert.Empty(_ear.Connections);
    }

    [Fact]
    public void Another_version_is_told_which_ones_there_are()
    {
        using var peer = new RawPeer(_right);
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(7); // the next version may say more
        writer.Write("alexnet-tensors");
        writer.Write(2);
        foreach (int field in Enumerable.Range(0, 5)) writer.Write(field);
        writer.Flush();
        peer.Stream.Write([HelloFormat.Bin16, 0, (byte)buffer.WrittenCount, .. buffer.WrittenSpan]);
        Assert.Equal(new HelloAnswer(Verdict.Refused, "speaks version 2 of the tensor transport, this node version 1: use the same release on every node"), HelloFormat.ReadAnswer(peer.Stream));
        Assert.Equal(1, _right.Counters.ConnectionsRefused(Refusal.Version));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // a byte now and then keeps nobody
    public void Who_says_nothing_is_sent_away(bool drips)
    {
        using var node = new TensorNode(Links.Settings with { HandshakeDeadline = TimeSpan.FromSeconds(0.3) });
        using var peer = new RawPeer(node);
        byte[] hello = [HelloFormat.Bin16, 0, 200, .. new byte[200]];
        var clock = Stopwatch.StartNew();
        for (int n = 0; n < hello.Length && node.Counters.ConnectionsRefused(Refusal.Slow) == 0 && clock.Elapsed < Links.Deadline; n++)
        {
            if (drips) peer.Stream.Write(hello, n, 1);
            Thread.Sleep(20);
        }
        Links.Until(() => node.Counters.ConnectionsRefused(Refusal.Slow) == 1, "the stranger's end");
    }

    [Fact]
    public void Who_has_said_nothing_is_sent_away_with_the_nodes_end()
    {
        using var node = new TensorNode(Links.Settings with { HandshakeDeadline = TimeSpan.FromHours(1) });
        node.Expect("gpu-1", 3, _ => _ear);
        using var silent = new RawPeer(node);
        using var later = RawPeer.Accepted(node, Links.Hello); // the other one was heard out before
        node.Dispose();
        silent.WaitForEnd();
    }

    [Fact]
    public void A_crowd_of_silent_strangers_keeps_no_member_out()
    {
        _right.Expect("gpu-1", 3, _ => new Ear(16));
        var strangers = Enumerable.Range(0, 100).Select(_ => new RawPeer(_right)).ToList();
        _left.Connect(_right.Endpoint, Links.Hello, _ear);
        _ear.Connection();
        Links.Until(() => _right.Counters.ConnectionsRefused(Refusal.Garbage) + _right.Counters.ConnectionsRefused(Refusal.Busy) >= 84, "those for whom there is no room");
        foreach (var stranger in strangers) stranger.Dispose();
    }

    [Fact]
    public void More_connections_than_there_is_room_for_are_asked_to_come_again()
    {
        _right.Expect("gpu-1", 3, _ => new Ear(16));
        var peers = Enumerable.Range(0, OpenConnections.AcceptedMax).Select(_ => RawPeer.Accepted(_right, Links.Hello)).ToList();
        _left.Connect(_right.Endpoint, Links.Hello, _ear);
        Links.Until(() => _right.Counters.ConnectionsRefused(Refusal.Busy) > 0, "a refusal");
        foreach (var peer in peers) peer.Dispose();
        _ear.Connection();
    }
}
