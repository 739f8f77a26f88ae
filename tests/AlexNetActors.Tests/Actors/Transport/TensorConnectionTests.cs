using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Frames between two nodes over real sockets: whole, equal, in order, both ways at once; one's own end and the peer's.</summary>
public sealed class TensorConnectionTests
{
    public static readonly TheoryData<int> Sizes = [0, 1, 2, 3, 31, 255, 16_383, 16_384, 16_385, 65_537, 262_144, 1_000_003, 11_059_200];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_frame_arrives_whole_and_equal(int bytes)
    {
        using var pair = new Pair();
        byte[] payload = Links.Bytes(bytes, seed: bytes);
        var header = Links.Header(bytes, number: long.MaxValue - 5);
        for (int cut = 0; cut < 3; cut++) pair.ToRight.Send(header, payload.AsMemory(0, bytes * cut / 2), payload.AsMemory(bytes * cut / 2));
        for (int n = 0; n < 3; n++) Assert.Equal((header, Ear.DigestOf(payload)), pair.Right.Frame());
    }

    [Fact]
    public void Every_field_of_the_header_arrives()
    {
        using var pair = new Pair();
        var header = new FrameHeader(FrameKind.State, new PassId(3, PassKind.Evaluate, -1), ExchangeKind.Sum, 255, TowerId.B, ElementType.BFloat16, 2);
        pair.ToLeft.Send(header, new byte[2]);
        Assert.Equal(header, pair.Left.Frame().Header);
    }

    [Fact]
    public void Frames_of_many_sizes_go_both_ways_at_once_and_in_order()
    {
        const int frames = 60;
        using var pair = new Pair();
        byte[][] payloads = [.. Enumerable.Range(0, frames).Select(n => Links.Bytes(n * n * 700 + n, n))];
        var threads = new[] { pair.ToRight, pair.ToLeft }.Select(connection => new Thread(() =>
        {
            for (int n = 0; n < frames; n++) connection.Send(Links.Header(payloads[n].Length, n), payloads[n]);
        })).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var ear in new[] { pair.Left, pair.Right })
            for (int n = 0; n < frames; n++)
                Assert.Equal((Links.Header(payloads[n].Length, n), Ear.DigestOf(payloads[n])), ear.Frame());
        foreach (var thread in threads) thread.Join();
        Assert.Equal((frames, frames), (pair.LeftNode.Counters.FramesSent, pair.LeftNode.Counters.FramesReceived));
        Assert.Equal(payloads.Sum(p => p.Length), pair.RightNode.Counters.BytesReceived);
    }

    [Fact]
    public void A_view_of_floats_is_sent_and_received_without_a_copy_of_its_own()
    {
        float[] floats = [1, -2, float.NaN, 4];
        using var pair = new Pair();
        var view = new ByteView<float>(floats);
        pair.ToRight.Send(Links.Header(16), view.Memory[..8], view.Memory[8..]);
        Assert.Equal(Ear.DigestOf(view.GetSpan()), pair.Right.Frame().Digest);
    }

    [Fact]
    public void The_peers_end_is_heard_and_not_only_its_silence_and_names_it()
    {
        using var pair = new Pair();
        pair.ToLeft.Dispose();
        Assert.Equal($"gpu-1 at {pair.RightNode.Endpoint} closed the connection", pair.Left.Loss());
    }

    [Fact]
    public void Nobody_hears_of_ones_own_end_and_sending_then_does_nothing()
    {
        using var pair = new Pair();
        pair.ToRight.Dispose();
        pair.Right.Loss();
        for (int n = 0; n < 2 * Links.Settings.SendQueueFrames; n++) pair.ToRight.Send(Links.Header(1), new byte[1]);
        Assert.Empty(pair.Left.Losses);
    }

    [Fact]
    public void A_frame_whose_header_tells_another_size_or_a_sign_of_life_is_not_sent()
    {
        using var pair = new Pair();
        Assert.Throws<ArgumentException>(() => pair.ToRight.Send(Links.Header(0) with { Kind = FrameKind.Alive }, default));
        Assert.Throws<ArgumentException>(() => pair.ToRight.Send(Links.Header(3), new byte[1], new byte[1]));
    }

    [Fact]
    public void A_taken_port_is_one_line()
    {
        using var node = new TensorNode(Links.Settings);
        int port = int.Parse(node.Endpoint.Split(':')[1]);
        var e = Assert.Throws<TransportException>(() => new TensorNode(Links.Settings with { Port = port }));
        Assert.Equal($"cannot listen for tensors on 127.0.0.1:{port}: the port is taken; choose another, or 0 for any", e.Message);
    }
}
