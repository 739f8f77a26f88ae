using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using AlexNetActors.Actors;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Thousands of strangers who speak garbage, while two members exchange frames: the members notice nothing, and nothing grows.</summary>
[Collection(nameof(Alone))]
public sealed class StrangerTests(ITestOutputHelper output)
{
    const int Callers = 4, FrameBytes = 100_000;
    const int ThreadsMax = 16 + 2 * Callers + 24; // handshakes, strangers' own accepted connections, what .NET starts by itself
    const long MemoryMax = 4 << 20;

    [Fact]
    public void Disturb_nobody_and_leave_nothing_behind()
    {
        var counters = Visited(Links.Settings, 12_000, Words);
        Assert.True(counters.FramesRefused > 4000 && counters.ConnectionsRefused(Refusal.Garbage) > 2000, "the strangers were too tame");
    }

    [Fact]
    public void Disturb_nobody_who_speaks_TLS()
    {
        using var folder = new TemporaryFolder();
        var credentials = NodeCredentials.Load(CertificateAuthority.OpenOrMake(folder.Path).Certify(["node"], days: 2)[0].Folder);
        byte[] clientHello = ClientHello();
        var counters = Visited(Links.Settings with { Credentials = credentials }, 3000, random => random.Next(4) == 0 ? Words(random) : Mutated(clientHello, random));
        Assert.True(counters.ConnectionsRefused(Refusal.Security) > 1000, "the strangers were too tame");
    }

    TransportCounters Visited(TransportSettings settings, int strangers, Func<Random, byte[]> words)
    {
        using var pair = new Pair(settings);
        pair.RightNode.Expect("deaf", 3, _ => new Deaf());
        Visit(pair.RightNode, words, 0, 200); // whatever is made once is made
        long memory = LiveBytes();
        int threads = ThreadCount(), threadsMost = 0;

        bool over = false;
        long rounds = 0;
        var longest = TimeSpan.Zero;
        byte[] payload = Links.Bytes(FrameBytes, 1);
        string digest = Ear.DigestOf(payload);
        var members = new Thread(() =>
        {
            for (; !Volatile.Read(ref over); rounds++)
            {
                var round = Stopwatch.StartNew();
                pair.ToRight.Send(Links.Header(FrameBytes, rounds), payload);
                Assert.Equal((Links.Header(FrameBytes, rounds), digest), pair.Right.Frame());
                pair.ToLeft.Send(Links.Header(FrameBytes, rounds), payload);
                Assert.Equal((Links.Header(FrameBytes, rounds), digest), pair.Left.Frame());
                if (round.Elapsed > longest) longest = round.Elapsed;
            }
        });
        members.Start();
        var callers = Enumerable.Range(0, Callers).Select(c => new Thread(() => Visit(pair.RightNode, words, strangers / Callers * c, strangers / Callers * (c + 1)))).ToList();
        var clock = Stopwatch.StartNew();
        foreach (var caller in callers) caller.Start();
        foreach (var caller in callers)
            while (!caller.Join(50)) threadsMost = Math.Max(threadsMost, ThreadCount());
        clock.Stop();
        Volatile.Write(ref over, true);
        Assert.True(members.Join(Links.Deadline), "the members hang");

        Links.Until(() => ThreadCount() <= threads + 4, "the strangers' threads to end");
        long grown = LiveBytes() - memory;
        var counters = pair.RightNode.Counters;
        output.WriteLine($"{strangers} strangers in {clock.Elapsed.TotalSeconds:F1} s; {rounds} frames each way meanwhile, the slowest there and back in {longest.TotalMilliseconds:F0} ms; at most {threadsMost - threads} threads and in the end {grown} bytes more; "
            + $"{counters.FramesRefused} frames refused; connections: {string.Join(", ", Enum.GetValues<Refusal>().Select(r => $"{r} {counters.ConnectionsRefused(r)}"))}");
        Assert.Empty(pair.Left.Losses);
        Assert.Empty(pair.Right.Losses);
        Assert.True(rounds > 100, $"{rounds} frames only");
        Assert.True(threadsMost - threads <= ThreadsMax, $"{threadsMost - threads} threads more");
        Assert.True(grown < MemoryMax, $"{grown} bytes more");
        return counters;
    }

    static void Visit(TensorNode node, Func<Random, byte[]> words, int first, int end)
    {
        for (int seed = first; seed < end; seed++)
        {
            var random = new Random(seed);
            using var stranger = new RawPeer(node);
            try
            {
                stranger.Stream.Write(words(random));
                if (random.Next(8) == 0) stranger.Vanish();
                else stranger.EndAndWait();
            }
            catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown }) { } // sent away in mid-sentence
        }
    }

    /// <summary>A good hello and good frames, with something done to them; or what never was any good.</summary>
    static byte[] Words(Random random)
    {
        var hello = new MemoryStream();
        HelloFormat.WriteHello(hello, Links.Hello with { To = "deaf" });
        int helloBytes = (int)hello.Length;
        for (int n = random.Next(3); n >= 0; n--) hello.Write(RawPeer.Frame(Links.Header(Deaf.PlaceBytes, n), new byte[Deaf.PlaceBytes]));
        byte[] words = hello.ToArray();
        int from = random.Next(3) == 0 ? 0 : helloBytes; // who spoils the hello is not heard any further
        int at = random.Next(from, words.Length), header = random.Next(from, Math.Min(words.Length, from + FrameFormat.HeaderBytes));
        switch (random.Next(8))
        {
            case 0: return words[..at];
            case 1: words[at] ^= (byte)(1 << random.Next(8)); break;
            case 2: words[header] = (byte)random.Next(256); break;
            case 3: random.NextBytes(words.AsSpan(at)); break;
            case 4: BinaryPrimitives.WriteUInt32BigEndian(words.AsSpan(Math.Min(helloBytes + 28, words.Length - 4)), 0x8000_0000u >> random.Next(9)); break; // the length
            case 5: return [.. words[..at], .. Links.Bytes(random.Next(1, 2000), random.Next()), .. words[at..]];
            case 6: return [.. words[..header], .. words[Math.Min(words.Length, header + random.Next(1, 9))..]];
            default: return Links.Bytes(random.Next(1, 2000), random.Next());
        }
        return words;
    }

    static byte[] Mutated(byte[] words, Random random)
    {
        byte[] mutated = [.. words];
        for (int n = random.Next(4); n >= 0; n--) mutated[random.Next(random.Next(2) == 0 ? 12 : mutated.Length)] = (byte)random.Next(256);
        return random.Next(3) == 0 ? mutated[..random.Next(mutated.Length)] : mutated;
    }

    /// <summary>What a TLS client says first.</summary>
    static byte[] ClientHello()
    {
        var client = new MemoryStream();
        using var tls = new SslStream(client);
        Assert.ThrowsAny<IOException>(() => tls.AuthenticateAsClient("node")); // nobody answers
        return client.ToArray();
    }

    static long LiveBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers(); // threads and sockets have some
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    static int ThreadCount()
    {
        using var self = Process.GetCurrentProcess();
        return self.Threads.Count;
    }

    sealed class Deaf : IFrameReceiver
    {
        public const int PlaceBytes = 300;

        readonly byte[] _place = new byte[PlaceBytes];

        void IFrameReceiver.Connected(TensorConnection connection) { }

        (Memory<byte> First, Memory<byte> Second) IFrameReceiver.Destination(in FrameHeader header) =>
            header.Bytes == PlaceBytes && header.Pass.Generation == 3 ? (_place, default) : throw new FrameRefusedException($"{header.Bytes} bytes of generation {header.Pass.Generation}");

        void IFrameReceiver.Received(in FrameHeader header) { }

        void IFrameReceiver.Lost(string reason) { }
    }
}
