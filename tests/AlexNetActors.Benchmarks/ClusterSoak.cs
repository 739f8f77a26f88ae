using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;
using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Model;
using ClusterSettings = AlexNetActors.Actors.ClusterSettings;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// Three members of a cluster on this machine as `alexnet node` makes them. Two of them compute convolutions without end, a thread each, and send
/// each other payloads of conv3's size as fast as the connection takes them. Is anybody ever seen unreachable, and how late do heartbeats come?
/// </summary>
static class ClusterSoak
{
    const int FirstPort = 22112, PayloadFloats = 11_059_200 / sizeof(float);
    static readonly TimeSpan FormMax = TimeSpan.FromSeconds(60), SettleTime = TimeSpan.FromSeconds(10);

    /// <param name="args">Minutes; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 2 || !int.TryParse(args[0], out int minutes) || minutes < 1)
        {
            Console.Error.WriteLine("expected: cluster-soak MINUTES OUT");
            return 2;
        }
        Process[] members = [.. Enumerable.Range(0, 3).Select(i => Start(i, minutes))];
        string[] told = [.. members.Select(m => m.StandardOutput.ReadToEndAsync()).Select(t => t.Result.TrimEnd())];
        foreach (var member in members) member.WaitForExit();
        if (members.Any(m => m.ExitCode != 0)) throw new InvalidOperationException($"a member has failed: {string.Join(" / ", told)}");
        var report = new StringBuilder();
        report.AppendLine("# Heartbeats while the tensor connection is full and all cores compute");
        report.AppendLine();
        report.AppendLine($"{Machine.Description}; {minutes} minutes; three members of a cluster on loopback, heartbeats every 500 ms, a pause of 3 s is accepted. The first two compute conv3's forward pass without end, one thread each, and send each other payloads of {PayloadFloats * sizeof(float):N0} bytes without pause. The third is idle.");
        report.AppendLine();
        report.AppendLine("| member | sent MB/s | seen unreachable | heartbeats heard | longest gap, ms | gaps over 1 s |");
        report.AppendLine("|---|---|---|---|---|---|");
        foreach (string line in told) report.AppendLine(line);
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- cluster-soak {minutes} OUT`");
        File.WriteAllText(args[1], report.ToString());
        Console.WriteLine(report);
        return 0;
    }

    static Process Start(int index, int minutes) => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["cluster-soak-member", $"{index}", $"{minutes}"]) { RedirectStandardOutput = true })!;

    /// <summary>One of the three, in a process of its own; prints its row.</summary>
    public static int Member(string[] args)
    {
        int index = int.Parse(args[0], CultureInfo.InvariantCulture);
        var time = TimeSpan.FromMinutes(int.Parse(args[1], CultureInfo.InvariantCulture));
        var node = ConfigurationFactory.ParseString($"akka.cluster.failure-detector.implementation-class = \"{typeof(RecordingDetector).FullName}, {typeof(RecordingDetector).Assembly.GetName().Name}\"")
            .WithFallback(NodeSettings.Read(App.Settings.None).Akka);
        using var system = ClusterSystem.Start(new ClusterSettings("127.0.0.1", FirstPort + index, "127.0.0.1", [$"127.0.0.1:{FirstPort}"], ["gpu"], null), node);
        var cluster = Cluster.Get(system);
        int unreachable = 0;
        system.ActorOf(Props.Create(() => new Listener(cluster, () => Interlocked.Increment(ref unreachable))));
        if (!SpinWait.SpinUntil(() => cluster.State.Members.Count(m => m.Status == MemberStatus.Up) == 3, FormMax)) throw new TimeoutException("the cluster did not form");
        using var tensors = new TensorNode(NodeSettings.Read(App.Settings.None).Tensors with { Host = "127.0.0.1", AdvertisedHost = "127.0.0.1", Port = FirstPort + 10 + index });
        var sink = new Sink();
        if (index == 1) tensors.Expect("soak", 1, _ => sink);
        if (index == 0) tensors.Connect($"127.0.0.1:{FirstPort + 11}", new TensorHello(1, LinkPurpose.Exchange, "first", "soak"), sink);
        var until = Stopwatch.StartNew();
        if (index < 2)
        {
            new Thread(Compute) { IsBackground = true }.Start();
            new Thread(() => sink.SendWithoutEnd()) { IsBackground = true }.Start();
        }
        Thread.Sleep(SettleTime); // heartbeats of the start do not count
        RecordingDetector.Recording = true;
        long before = tensors.Counters.BytesSent;
        Thread.Sleep(time);
        double rate = (tensors.Counters.BytesSent - before) / 1e6 / time.TotalSeconds;
        var heard = RecordingDetector.All;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {index + 1} | {rate:F0} | {unreachable} times | {heard.Sum(d => d.Beats)} | {heard.Max(d => d.LongestMs):F0} | {heard.Sum(d => d.Late)} |"));
        Thread.Sleep(TimeSpan.FromSeconds(2)); // until the others have counted, too
        return 0;
    }

    static void Compute()
    {
        var layer = FullNetwork.Network.Layers.First(l => l.Name == "conv3");
        using var device = new CpuDevice(1);
        var input = device.AllocateActivation(layer.Filter.InputShape(32));
        var output = device.AllocateActivation(layer.Filter.OutputShape(32));
        var weights = device.AllocateWeights(layer.Filter);
        var bias = device.AllocatePlain(new Shape(1, layer.Filter.Kernels, 1, 1));
        while (true) device.Convolve(input, weights, bias, layer.Filter, rectify: true, output);
    }

    sealed class Listener : ReceiveActor
    {
        public Listener(Cluster cluster, Action unreachable)
        {
            cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.UnreachableMember));
            Receive<ClusterEvent.UnreachableMember>(_ => unreachable());
        }
    }

    /// <summary>Sends payloads and takes them, on the connection's own threads.</summary>
    sealed class Sink : IFrameReceiver
    {
        readonly byte[] _in = new byte[PayloadFloats * sizeof(float)], _out = new byte[PayloadFloats * sizeof(float)];
        readonly ManualResetEventSlim _open = new();
        volatile TensorConnection? _connection;

        public void Connected(TensorConnection connection)
        {
            _connection = connection;
            _open.Set();
        }

        public void SendWithoutEnd()
        {
            _open.Wait(FormMax);
            var header = new FrameHeader(FrameKind.Activation, new PassId(1, PassKind.Train, 0), ExchangeKind.Gather, 1, TowerId.A, ElementType.Float32, _out.Length);
            while (true) _connection!.Send(header, _out);
        }

        public (Memory<byte> First, Memory<byte> Second) Destination(in FrameHeader header) => (_in, default);

        public void Received(in FrameHeader header) { }

        public void Lost(string reason) => Console.Error.WriteLine(reason);
    }
}

/// <summary>Akka's detector, and how late its heartbeats come.</summary>
public sealed class RecordingDetector : PhiAccrualFailureDetector
{
    static readonly ConcurrentBag<RecordingDetector> s_all = [];
    long _last;

    public static volatile bool Recording;

    public RecordingDetector(Config config, EventStream events) : base(config, events) => s_all.Add(this);

    public static IReadOnlyCollection<RecordingDetector> All => s_all;

    public long Beats { get; private set; }
    public long Late { get; private set; }
    public double LongestMs { get; private set; }

    public override void HeartBeat()
    {
        long now = Stopwatch.GetTimestamp();
        if (Recording && _last != 0)
        {
            double gap = Stopwatch.GetElapsedTime(_last, now).TotalMilliseconds;
            LongestMs = Math.Max(LongestMs, gap);
            Beats++;
            if (gap > 1000) Late++;
        }
        _last = now;
        base.HeartBeat();
    }
}
