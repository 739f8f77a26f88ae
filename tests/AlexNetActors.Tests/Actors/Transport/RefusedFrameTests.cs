using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>What is wrong with a frame is found, counted and named; it ends its own connection and no other.</summary>
public sealed class RefusedFrameTests : IDisposable
{
    readonly Pair _bystanders = new();
    readonly Ear _ear = new(4096);
    readonly RawPeer _peer;

    public RefusedFrameTests()
    {
        _bystanders.RightNode.Expect("victim", 3, _ => _ear);
        _peer = RawPeer.Accepted(_bystanders.RightNode, Links.Hello with { From = "gpu-7", To = "victim" });
        _ear.Connection();
    }

    public void Dispose()
    {
        _peer.Dispose();
        _bystanders.Dispose();
    }

    void IsRefused(byte[] sent, string reason)
    {
        _peer.Stream.Write(sent);
        string loss = _ear.Loss();
        Assert.Matches($"^gpu-7 at .*:[0-9]+ sent a frame that is refused: ", loss);
        Assert.Contains(reason, loss);
        Assert.Empty(_ear.Frames);
        Assert.Equal(1, _bystanders.RightNode.Counters.FramesRefused);
        _peer.WaitForEnd();
        _bystanders.ToRight.Send(Links.Header(5), Links.Bytes(5, 1));
        Assert.Equal(Ear.DigestOf(Links.Bytes(5, 1)), _bystanders.Right.Frame().Digest);
    }

    static byte[] Frame(int bytes = 1000, int generation = 3) => RawPeer.Frame(Links.Header(bytes, number: 17, generation), Links.Bytes(bytes, 2));

    static byte[] Changed(int at, byte value)
    {
        byte[] frame = Frame();
        Assert.NotEqual(value, frame[at]);
        frame[at] = value;
        return frame;
    }

    [Theory]
    [InlineData(FrameFormat.HeaderBytes)]
    [InlineData(500)]
    [InlineData(FrameFormat.HeaderBytes + 999)]
    [InlineData(FrameFormat.HeaderBytes + 1000 + 4)] // the checksum itself
    [InlineData(18)] // the number of the step: a valid header of another frame
    public void A_flipped_bit(int at) => IsRefused(Changed(at, (byte)(Frame()[at] ^ 8)), "has checksum");

    [Fact]
    public void Two_gibibytes()
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        IsRefused(Changed(28, 0x80), $"a payload of {0x80000000 + 1000u} bytes");
        Assert.True(GC.GetTotalAllocatedBytes(precise: true) - before < 64 << 20, "allocated what the stranger named");
    }

    [Fact]
    public void Nearly_two_gibibytes() => IsRefused(Changed(28, 0x7f), "2130707432 bytes, wanted 4096 at most");

    [Fact]
    public void More_than_is_wanted() => IsRefused(Frame(4097), "4097 bytes, wanted 4096 at most");

    [Fact]
    public void Another_size_than_the_place_for_it()
    {
        _ear.Lacking = 1;
        IsRefused(Frame(), "1000 bytes, wanted 333 + 666");
    }

    [Fact]
    public void An_old_generation() => IsRefused(Frame(generation: 2), "generation 2, wanted 3");

    [Fact]
    public void A_kind_that_does_not_exist() => IsRefused(Changed(2, 5), "does not exist");

    [Theory]
    [InlineData(0)] // the array's length
    [InlineData(3)] // an integer of another width
    [InlineData(27)] // an array where bytes belong
    public void Another_encoding(int at) => IsRefused(Changed(at, 0xdd), "not one of a frame");

    [Fact]
    public void No_checksum_at_the_end() => IsRefused(Changed(FrameFormat.HeaderBytes + 1000, 0xce), "does not end in a checksum");

    [Fact]
    public void An_Alive_frame_with_a_payload() => IsRefused(Changed(2, 0), "an Alive frame that carries something");

    [Theory]
    [InlineData(1)]
    [InlineData(FrameFormat.HeaderBytes)]
    [InlineData(600)]
    [InlineData(FrameFormat.HeaderBytes + 1000 + FrameFormat.TrailerBytes - 1)]
    public void A_frame_that_ends_early_is_an_end(int length)
    {
        _peer.Stream.Write(Frame(), 0, length);
        _peer.EndAndWait();
        Assert.EndsWith("closed the connection", _ear.Loss());
        Assert.Empty(_ear.Frames);
    }

    [Fact]
    public void A_good_frame_is_taken()
    {
        _peer.Stream.Write(Frame());
        Assert.Equal((Links.Header(1000, 17), Ear.DigestOf(Links.Bytes(1000, 2))), _ear.Frame());
    }
}
