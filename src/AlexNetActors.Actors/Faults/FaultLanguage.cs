using System.Globalization;
using System.Text.RegularExpressions;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// One line a fault: WHAT WHOM [parameters] at step N [in PHASE] [for DURATION]. Words are separated by spaces; what <see cref="Fault"/>
/// prints is what is read here.
/// </summary>
public static partial class FaultLanguage
{
    static readonly string[] Kinds = ["kill", "stop", "throw", "starve", "disconnect", "corrupt", "delay", "throttle", "slow", "nan", "fill disk of", "damage checkpoint", "partition"];

    /// <exception cref="FaultException">It is none; names the word.</exception>
    public static Fault Parse(string line)
    {
        var words = new Words(line);
        string kind = words.Next($"a fault: {string.Join(", ", Kinds)}");
        if (kind == "damage") return ParseDamage(words);
        if (kind == "clock") throw words.Error("clocks can be changed without harm: every wait is measured by a monotonic clock, and no wall clock decides anything in a run");
        if (!Kinds.Any(k => k.Split(' ')[0] == kind)) throw words.Error($"there is no fault '{kind}': wanted one of {string.Join(", ", Kinds)}");
        if (kind == "fill") words.Expect("disk", "of");
        var whom = ParseVictims(words, several: kind is "kill" or "stop" or "partition");
        return kind switch
        {
            "kill" => words.End(new Fault.Kill(whom, ParseTime(words))),
            "stop" => words.End(new Fault.Stop(whom, ParseTime(words), ParseLasting(words) ?? throw words.Error("wanted how long at the end, such as 'for 3s'"))),
            "throw" or "starve" => words.End(new Fault.Throw(Computing(whom, words), ParseTime(words), kind == "starve")),
            "disconnect" => words.End(new Fault.Disconnect(whom, ParseTime(words))),
            "corrupt" => words.End(new Fault.Corrupt(whom, ParseTime(words))),
            "delay" => words.End(new Fault.Delay(whom, ParseDuration(words.After("by", "a time, such as 200ms"), words), ParseTime(words), ParseLasting(words))),
            "throttle" => words.End(new Fault.Throttle(whom, ParseRate(words.After("to", "a rate, such as 10MB/s"), words), ParseTime(words), ParseLasting(words))),
            "slow" => words.End(new Fault.Slow(Tower(whom, words), ParseFactor(words.After("by", "a factor, such as 3"), words), ParseTime(words), ParseLasting(words))),
            "nan" => ParseSpoil(words, Tower(whom, words)),
            "fill" => words.End(new Fault.FillDisk(whom, ParseTime(words), ParseLasting(words))),
            _ => ParsePartition(words, whom),
        };
    }

    static Fault ParseDamage(Words words)
    {
        words.Expect("checkpoint");
        string which = words.Next("newest, or the steps of a checkpoint");
        long? steps = which == "newest" ? null : long.TryParse(which, NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : throw words.Error($"'{which}' is no checkpoint: wanted newest, or its steps");
        return words.End(new Fault.Damage(steps, ParseTime(words)));
    }

    static Fault ParseSpoil(Words words, Victims tower)
    {
        words.Expect("in");
        string what = words.Next("gradient or activation");
        if (what == "a" || what == "an") what = words.Next("gradient or activation");
        if (what is not ("gradient" or "activation")) throw words.Error($"'{what}' is no place for a NaN: wanted gradient or activation");
        var time = ParseTime(words, what == "gradient" ? Places.Update : null);
        if (what == "gradient" && time.Place != Places.Update) throw words.Error("the gradients are complete before the update only: leave the phase out, or name update");
        if (what == "activation" && time.Place.Stage != Stage.Forward) throw words.Error("wanted the segment that is to see the NaN, such as 'in forward fc6'");
        return words.End(new Fault.Spoil(tower, time, what == "gradient"));
    }

    static Fault ParsePartition(Words words, Victims whom)
    {
        words.Expect("from");
        var from = words.Take("all") ? Victims.Nobody : ParseVictims(words, several: true);
        bool oneWay = words.Take("one-way");
        return words.End(new Fault.Partition(whom, from, oneWay, ParseTime(words), ParseLasting(words) ?? throw words.Error("wanted how long at the end, such as 'for 3s'")));
    }

    static Victims ParseVictims(Words words, bool several)
    {
        var names = new List<string> { ParseVictim(words) };
        while (several && words.Take("and")) names.Add(ParseVictim(words));
        return new Victims(string.Join(" and ", names));
    }

    static string ParseVictim(Words words)
    {
        const string wanted = "tower-A, tower-B, loader, coordinator, seed, or a node of the plan";
        string name = words.Next(wanted);
        if (name is "at" or "in" or "and" || !Name().IsMatch(name)) throw words.Error($"'{name}' is nobody: wanted {wanted}");
        return name.ToLowerInvariant() switch { "tower-a" => Victims.TowerA, "tower-b" => Victims.TowerB, _ => name };
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9.-]*$")]
    private static partial Regex Name();

    static Victims Tower(Victims whom, Words words) =>
        whom.Names is Victims.TowerA or Victims.TowerB ? whom : throw words.Error($"{whom} has no device that counts: wanted tower-A or tower-B");

    static Victims Computing(Victims whom, Words words) =>
        whom.Names is Victims.TowerA or Victims.TowerB or Victims.Loader ? whom : throw words.Error($"nothing is computed on {whom}: wanted tower-A, tower-B or loader");

    static FaultTime ParseTime(Words words, Place? usual = null)
    {
        words.Expect("at");
        TimeSpan? after = null;
        long step = 0;
        if (words.Take("step"))
        {
            string number = words.Next("the step's number");
            if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out step)) throw words.Error($"'{number}' is no step: wanted a number from 0");
        }
        else
            after = ParseDuration(words.Next("'step' and its number, or a time since the first step, such as 20s"), words);
        return new FaultTime(step, after, words.Take("in") ? ParsePlace(words) : usual ?? Places.Loading);
    }

    static Place ParsePlace(Words words)
    {
        const string wanted = "loading, forward SEGMENT, exchange LAYER forward, loss, backward SEGMENT, exchange LAYER backward, update, snapshot, checkpoint or validation";
        string name = words.Next(wanted);
        switch (name)
        {
            case "loading": return Places.Loading;
            case "loss": return Places.Loss;
            case "update": return Places.Update;
            case "snapshot": return Places.Snapshot;
            case "checkpoint": return Places.Checkpoint;
            case "validation": return Places.Validation;
            case "forward": return new Place(Stage.Forward, ParseSegment(words));
            case "backward": return new Place(Stage.Backward, ParseSegment(words));
            case "exchange":
                string layer = ParseSegment(words), way = words.Next("forward or backward");
                if (way is not ("forward" or "backward")) throw words.Error($"'{way}' is no way of an exchange: wanted forward or backward");
                if (way == "backward" && layer == Places.Logits) throw words.Error("the logits are exchanged forward only");
                return new Place(way == "forward" ? Stage.ExchangeForward : Stage.ExchangeBackward, layer);
            default: throw words.Error($"'{name}' is no phase: wanted {wanted}");
        }
    }

    /// <summary>A segment goes by its first layer: "conv3-conv5" is conv3.</summary>
    static string ParseSegment(Words words) => words.Next("a segment's first layer, such as conv3").Split('-')[0];

    static TimeSpan? ParseLasting(Words words) => words.Take("for") ? ParseDuration(words.Next("a time, such as 3s"), words) : null;

    static TimeSpan ParseDuration(string word, Words words) => Duration().Match(word) is { Success: true } m && double.TryParse(m.Groups[1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) && n > 0
        ? m.Groups[2].Value switch { "ms" => TimeSpan.FromMilliseconds(n), "s" => TimeSpan.FromSeconds(n), "m" => TimeSpan.FromMinutes(n), _ => TimeSpan.FromHours(n) }
        : throw words.Error($"'{word}' is no time: wanted a number above 0 and its unit, ms, s, m or h, such as 3s");

    [GeneratedRegex(@"^([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)$")]
    private static partial Regex Duration();

    static long ParseRate(string word, Words words) => Rate().Match(word) is { Success: true } m && double.TryParse(m.Groups[1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) && n > 0
        ? (long)Math.Max(1, n * m.Groups[2].Value switch { "kB" => 1e3, "MB" => 1e6, "GB" => 1e9, _ => 1 })
        : throw words.Error($"'{word}' is no rate: wanted a number above 0 and its unit, B/s, kB/s, MB/s or GB/s, such as 10MB/s");

    [GeneratedRegex(@"^([0-9]{1,9}(?:\.[0-9]{1,9})?)(B|kB|MB|GB)/s$")]
    private static partial Regex Rate();

    static double ParseFactor(string word, Words words) => double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double n) && n is > 1 and <= 1000
        ? n
        : throw words.Error($"'{word}' is no factor: wanted a number above 1, at most 1000");

    /// <summary>"200ms", "3s", "20m".</summary>
    public static string Text(TimeSpan time)
    {
        var (n, unit) = time switch
        {
            { TotalSeconds: < 1 } => (time.TotalMilliseconds, "ms"),
            _ when time.TotalHours >= 1 && time.TotalHours % 1 == 0 => (time.TotalHours, "h"),
            _ when time.TotalMinutes >= 1 && time.TotalMinutes % 1 == 0 => (time.TotalMinutes, "m"),
            _ => (time.TotalSeconds, "s"),
        };
        return n.ToString(CultureInfo.InvariantCulture) + unit;
    }

    /// <summary>"10MB/s".</summary>
    public static string TextOfRate(long bytesPerSecond)
    {
        var (n, unit) = bytesPerSecond switch { >= 1_000_000_000 => (1e9, "GB"), >= 1_000_000 => (1e6, "MB"), >= 1000 => (1e3, "kB"), _ => (1.0, "B") };
        return (bytesPerSecond / n).ToString(CultureInfo.InvariantCulture) + unit + "/s";
    }

    /// <summary>A line's words, taken from the left.</summary>
    sealed class Words(string line)
    {
        readonly string[] _words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        int _at;

        public string Next(string wanted) => _at < _words.Length ? _words[_at++] : throw Error($"it ends too early: wanted {wanted}");

        public bool Take(string word)
        {
            bool there = _at < _words.Length && _words[_at] == word;
            if (there) _at++;
            return there;
        }

        public void Expect(params string[] expected)
        {
            foreach (string word in expected)
                if (!Take(word)) throw Error(_at < _words.Length ? $"'{_words[_at]}' where '{word}' was wanted" : $"it ends too early: wanted '{word}'");
        }

        public string After(string word, string wanted)
        {
            Expect(word);
            return Next(wanted);
        }

        public Fault End(Fault fault) => _at == _words.Length ? fault : throw Error($"'{_words[_at]}' is one word too many");

        public FaultException Error(string what) => new($"fault \"{string.Join(' ', _words)}\": {what}");
    }
}
