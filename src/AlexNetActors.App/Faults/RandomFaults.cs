using System.Globalization;
using System.Text.RegularExpressions;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>"random SEED every 20s for 20m": faults drawn from a seed, the same ones every time. Printed, they are an ordinary plan.</summary>
static partial class RandomFaults
{
    static readonly string[] Whom = [Victims.TowerA, Victims.TowerB, Victims.Loader, Victims.Coordinator, Victims.Seed];

    static readonly string[] Places =
        ["loading", "forward conv1", "exchange conv3 forward", "exchange fc6 forward", "exchange logits forward", "loss", "exchange fc7 backward", "exchange conv3 backward", "update", "checkpoint", "validation"];

    public static bool Is(string line) => line.TrimStart().StartsWith("random", StringComparison.Ordinal);

    [GeneratedRegex(@"^\s*random\s+([0-9]{1,18})\s+every\s+(\S+)\s+for\s+(\S+)\s*$")]
    private static partial Regex Form();

    /// <exception cref="UsageException">It is no such line.</exception>
    public static IEnumerable<Fault> Draw(string line)
    {
        var m = Form().Match(line);
        if (!m.Success) throw new UsageException($"fault \"{Hocon.OneLine(line)}\": wanted random SEED every TIME for TIME, such as random 7 every 20s for 20m");
        var (every, all) = (FaultOptions.Time(m.Groups[2].Value), FaultOptions.Time(m.Groups[3].Value));
        const int most = 10_000;
        if (all / every > most) throw new UsageException($"fault \"{Hocon.OneLine(line)}\": more than {most} faults; wanted fewer");
        var dice = new Random((int)(ulong.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) % int.MaxValue)); // a seeded Random's numbers are the same in every version of .NET
        var faults = new List<Fault>();
        for (var at = every; at <= all; at += every) faults.Add(FaultOptions.Parse(DrawOne(dice, FaultLanguage.Text(at))));
        return faults;
    }

    static string DrawOne(Random dice, string at)
    {
        string One(string[] from) => from[dice.Next(from.Length)];
        string time = $"at {at} in {One(Places)}", tower = One(Whom[..2]), anyone = One(Whom), sender = One(Whom[..3]);
        return dice.Next(10) switch
        {
            < 5 => $"kill {anyone} {time}",
            5 => $"stop {anyone} {time} for 3s",
            6 => $"disconnect {sender} {time}",
            7 => $"corrupt {sender} {time}",
            8 => $"delay {sender} by 50ms {time} for 2s",
            _ => $"throw {tower} {time}",
        };
    }
}
