using System.Diagnostics;
using System.Globalization;
using System.Text;
using AlexNetActors.Actors;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// Payloads of conv3's size between two processes of this machine: the tensor transport beside a plain socket loop, and with TLS beside SslStream alone.
/// </summary>
static class TransportSpeed
{
    const int WarmPayloads = 100, OneWayPayloads = 600, AnsweredPayloads = 60;

    /// <param name="MegabytesPerSecond">One way, acknowledged once at the end.</param>
    /// <param name="AnsweredMs">A payload and its acknowledgement, on average.</param>
    /// <param name="SenderBytes">Managed bytes allocated a payload.</param>
    /// <param name="ReceiverBytes">The same, in the process that takes them.</param>
    /// <param name="CpuSecondsPerGigabyte">Both processes together.</param>
    readonly record struct Speed(double MegabytesPerSecond, double AnsweredMs, double SenderBytes, double ReceiverBytes, double CpuSecondsPerGigabyte);

    sealed record Way(string Name, string Description, string Against);

    static readonly Way[] Ways =
    [
        new(TransportWays.Socket, "plain socket loop", TransportWays.Socket),
        new(TransportWays.Ours, "tensor transport", TransportWays.Socket),
        new(TransportWays.Ssl, "SslStream alone", TransportWays.Ssl),
        new(TransportWays.OursTls, "tensor transport, TLS", TransportWays.Ssl),
    ];

    /// <param name="args">How many rounds; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 2 || !int.TryParse(args[0], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: transport ROUNDS OUT");
            return 2;
        }
        var speeds = Ways.ToDictionary(w => w.Name, _ => new List<Speed>());
        string folder = Directory.CreateTempSubdirectory("transport").FullName;
        try
        {
            string[] nodes = [.. CertificateAuthority.OpenOrMake(folder).Certify(["sender", "receiver"], days: 1).Select(n => n.Folder)];
            var credentials = NodeCredentials.Load(nodes[0]);
            using var peer = new TransportPeer(nodes[1]);
            for (int round = 1; round <= rounds; round++)
                foreach (var way in Ways)
                {
                    var speed = Measure(way.Name, credentials, peer);
                    speeds[way.Name].Add(speed);
                    Console.WriteLine(FormattableString.Invariant($"round {round}: {way.Description}: {speed.MegabytesPerSecond:F0} MB/s, {speed.AnsweredMs:F2} ms answered, {speed.CpuSecondsPerGigabyte:F2} CPU s/GB, {speed.SenderBytes:F0} + {speed.ReceiverBytes:F0} bytes"));
                }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        string report = Report(speeds, rounds);
        File.WriteAllText(args[1], report);
        Console.WriteLine(report);
        return 0;
    }

    static Speed Measure(string way, NodeCredentials credentials, TransportPeer peer)
    {
        using var end = TransportWays.Dial(way, credentials, peer.Ask($"open {way}"));
        Move(end, peer, WarmPayloads, ackEvery: 1);
        var (seconds, sender, receiver) = Move(end, peer, OneWayPayloads, ackEvery: OneWayPayloads);
        double answered = Move(end, peer, AnsweredPayloads, ackEvery: 1).Seconds / AnsweredPayloads;
        peer.Ask("close");
        double gigabytes = (double)OneWayPayloads * TransportWays.PayloadBytes / 1e9;
        return new Speed(gigabytes * 1e3 / seconds, answered * 1e3, (double)sender.AllocatedBytes / OneWayPayloads, (double)receiver.AllocatedBytes / OneWayPayloads, (sender + receiver).CpuSeconds / gigabytes);
    }

    static (double Seconds, TransportCost Sender, TransportCost Receiver) Move(IPayloadEnd end, TransportPeer peer, int count, int ackEvery)
    {
        peer.Ask($"take {count} {ackEvery}");
        var before = TransportCost.Now;
        long start = Stopwatch.GetTimestamp();
        for (int n = 1; n <= count; n++)
        {
            end.Send();
            if (n % ackEvery == 0) end.AwaitAck();
        }
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var sender = TransportCost.Now - before;
        return (seconds, sender, peer.HearCost());
    }

    static string Report(Dictionary<string, List<Speed>> speeds, int rounds)
    {
        var report = new StringBuilder();
        report.AppendLine("# Tensors between two processes");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}, loopback; payloads of {TransportWays.PayloadBytes:N0} bytes; {rounds} alternating rounds, {OneWayPayloads} payloads one way and {AnsweredPayloads} acknowledged one by one each; medians."));
        report.AppendLine("The plain loops check nothing; the transport frames, checksums, queues and watches deadlines. All with NoDelay and reno. Ratios above 1: ours is faster.");
        report.AppendLine();
        report.AppendLine("| | one way MB/s | rounds | ours / plain | in a round | payload + ack ms | ours / plain | CPU s/GB, both | managed bytes a payload: sender, receiver |");
        report.AppendLine("|---|---|---|---|---|---|---|---|---|");
        foreach (var way in Ways) report.AppendLine(Row(way, speeds[way.Name], speeds[way.Against]));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- transport {rounds} OUT`");
        return report.ToString();
    }

    static string Row(Way way, List<Speed> found, List<Speed> plain)
    {
        double Middle(Func<Speed, double> value) => Median.Of(found.Select(value));
        double Against(Func<Speed, double> value) => Middle(value) / Median.Of(plain.Select(value));
        double[] ratios = [.. found.Zip(plain, (f, p) => f.MegabytesPerSecond / p.MegabytesPerSecond)];
        string each = string.Join(", ", found.Select(s => s.MegabytesPerSecond.ToString("F0", CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"| {way.Description} | {Middle(s => s.MegabytesPerSecond):F0} | {each} | {Against(s => s.MegabytesPerSecond):F2} | {ratios.Min():F2} to {ratios.Max():F2} | {Middle(s => s.AnsweredMs):F2} | {1 / Against(s => s.AnsweredMs):F2} | {Middle(s => s.CpuSecondsPerGigabyte):F2} | {Middle(s => s.SenderBytes):F0}, {Middle(s => s.ReceiverBytes):F0} |");
    }
}
