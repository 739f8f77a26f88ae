using AlexNetActors.Actors;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Payloads go from memory to memory: what a frame leaves for the garbage collector is next to nothing.</summary>
[Collection(nameof(Alone))]
public sealed class AllocationTests(ITestOutputHelper output)
{
    const int BytesMax = 1024; // a frame, both ends together

    [Theory]
    [InlineData(11_059_200, 1000)]
    [InlineData(100, 5000)]
    public void A_frame_allocates_less_than_a_kilobyte(int bytes, int frames)
    {
        var counting = new Counting(bytes);
        using var left = new TensorNode(Links.Settings);
        using var right = new TensorNode(Links.Settings);
        right.Expect("gpu-1", 3, _ => counting);
        var ear = new Ear(16);
        left.Connect(right.Endpoint, Links.Hello, ear);
        var connection = ear.Connection();
        byte[] payload = new byte[bytes];
        Move(20);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Move(frames);
        double perFrame = (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / frames;
        output.WriteLine($"{frames} frames of {bytes} bytes: {perFrame:F1} bytes allocated a frame");
        Assert.True(perFrame < BytesMax, $"{perFrame} bytes a frame");

        void Move(int count)
        {
            int until = counting.Received + count;
            for (int n = 0; n < count; n++) connection.Send(Links.Header(bytes, n), payload);
            SpinWait.SpinUntil(() => counting.Received == until || counting.Lost is not null, Links.Deadline);
            Assert.Equal((until, null), (counting.Received, counting.Lost));
        }
    }

    sealed class Counting(int bytes) : IFrameReceiver
    {
        readonly byte[] _place = new byte[bytes];
        int _received;

        public int Received => Volatile.Read(ref _received);

        public string? Lost { get; private set; }

        void IFrameReceiver.Connected(TensorConnection connection) { }

        (Memory<byte> First, Memory<byte> Second) IFrameReceiver.Destination(in FrameHeader header) => (_place, default);

        void IFrameReceiver.Received(in FrameHeader header) => Interlocked.Increment(ref _received);

        void IFrameReceiver.Lost(string reason) => Lost = reason;
    }
}
