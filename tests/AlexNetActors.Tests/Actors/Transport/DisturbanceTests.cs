using System.Buffers;
using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>What a fault plan does to real connections, and that the connection notices.</summary>
public sealed class DisturbanceTests
{
    readonly FaultPoints _faults = new(judge: null);

    Pair Disturbed() => new(Links.Settings with { Faults = _faults });

    void Act(string line) => _faults.Act(FaultLanguage.Parse(line));

    [Theory]
    [InlineData(64)]
    [InlineData(16_384)]
    [InlineData(1_000_003)]
    [InlineData(6_000_000)]
    public void A_corrupt_frame_is_refused_and_ends_the_connection_on_both_sides(int bytes)
    {
        using var pair = Disturbed();
        byte[] payload = Links.Bytes(bytes, seed: 1);
        pair.ToRight.Send(Links.Header(bytes), payload);
        Assert.Equal(Ear.DigestOf(payload), pair.Right.Frame().Digest);
        Act("corrupt tower-A at step 0");
        pair.ToRight.Send(Links.Header(bytes), payload);
        Assert.Contains("sent a frame that is refused", pair.Right.Loss());
        pair.Left.Loss();
        Assert.Empty(pair.Right.Frames);
    }

    [Fact]
    public void A_reset_connection_is_lost_at_both_ends_at_once()
    {
        using var pair = Disturbed();
        Act("disconnect tower-A at step 0");
        pair.Left.Loss();
        pair.Right.Loss();
    }

    /// <summary>It may be the memory of a device, which is freed next.</summary>
    [Fact]
    public void Who_ends_a_connection_waits_until_nobody_reads_what_was_to_be_sent()
    {
        using var pair = Disturbed();
        Act("delay tower-A by 2s at step 0 for 10s");
        var payload = new Watched();
        pair.ToRight.Send(Links.Header(Watched.Size), payload.Bytes);
        Links.Until(() => payload.IsRead, "the write to begin");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        pair.ToRight.Dispose();
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(1), $"ended after {clock.Elapsed} of a write that takes 2 s");
    }

    /// <summary>Memory that tells when it is about to be read.</summary>
    sealed class Watched : MemoryManager<byte>
    {
        public const int Size = 64;
        readonly byte[] _bytes = new byte[Size];
        volatile bool _read;

        public bool IsRead => _read;

        public Memory<byte> Bytes => CreateMemory(Size);

        public override Span<byte> GetSpan()
        {
            _read = true;
            return _bytes;
        }

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin() { }

        protected override void Dispose(bool disposing) { }
    }

    [Fact]
    public void Delayed_and_throttled_frames_arrive_whole_and_in_order()
    {
        const int frames = 5, bytes = 100_000;
        using var pair = Disturbed();
        Act("delay tower-A by 20ms at step 0 for 200ms");
        Act("throttle tower-A to 2MB/s at step 0 for 200ms");
        for (int n = 0; n < frames; n++) pair.ToRight.Send(Links.Header(bytes, n), Links.Bytes(bytes, n));
        for (int n = 0; n < frames; n++) Assert.Equal((Links.Header(bytes, n), Ear.DigestOf(Links.Bytes(bytes, n))), pair.Right.Frame());
    }
}
