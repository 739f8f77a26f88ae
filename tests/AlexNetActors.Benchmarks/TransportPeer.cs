using System.Diagnostics;
using System.Globalization;
using AlexNetActors.Actors;

namespace AlexNetActors.Benchmarks;

/// <summary>What moving payloads cost one process.</summary>
/// <param name="AllocatedBytes">On the managed heap.</param>
/// <param name="CpuSeconds">Of all its threads.</param>
readonly record struct TransportCost(long AllocatedBytes, double CpuSeconds)
{
    public static TransportCost Now
    {
        get
        {
            using var self = Process.GetCurrentProcess();
            return new TransportCost(GC.GetTotalAllocatedBytes(precise: true), self.TotalProcessorTime.TotalSeconds);
        }
    }

    public static TransportCost operator -(TransportCost a, TransportCost b) => new(a.AllocatedBytes - b.AllocatedBytes, a.CpuSeconds - b.CpuSeconds);

    public static TransportCost operator +(TransportCost a, TransportCost b) => new(a.AllocatedBytes + b.AllocatedBytes, a.CpuSeconds + b.CpuSeconds);
}

/// <summary>The process that takes the payloads, told what to do by lines: "open WAY", "take COUNT ACK-EVERY", "close".</summary>
sealed class TransportPeer : IDisposable
{
    readonly Process _process;

    /// <param name="credentials">Folder of its certificate.</param>
    public TransportPeer(string credentials) =>
        _process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["transport-peer", credentials]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    public string Ask(string line)
    {
        _process.StandardInput.WriteLine(line);
        return Hear();
    }

    public string Hear() => _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"the other process ended with {(_process.WaitForExit(1000) ? _process.ExitCode : "its output closed")}");

    public TransportCost HearCost()
    {
        string[] words = Hear().Split(' ');
        return new TransportCost(long.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
    }

    /// <summary>The other process itself.</summary>
    /// <param name="args">Folder of its certificate.</param>
    public static int Run(string[] args)
    {
        var credentials = NodeCredentials.Load(args[0]);
        IPayloadEnd? end = null;
        while (Console.ReadLine()?.Split(' ') is { } words)
        {
            switch (words[0])
            {
                case "open":
                    end = TransportWays.Listen(words[1], credentials, Console.WriteLine);
                    break;
                case "take":
                    var before = TransportCost.Now;
                    end!.Take(int.Parse(words[1], CultureInfo.InvariantCulture), int.Parse(words[2], CultureInfo.InvariantCulture), () => Console.WriteLine("ready"));
                    var cost = TransportCost.Now - before;
                    Console.WriteLine(FormattableString.Invariant($"{cost.AllocatedBytes} {cost.CpuSeconds}"));
                    break;
                default:
                    end?.Dispose();
                    Console.WriteLine("closed");
                    break;
            }
        }
        return 0;
    }

    /// <summary>It ends when its input does.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TransportWays.Deadline)) _process.Kill();
        _process.Dispose();
    }
}
