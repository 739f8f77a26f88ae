using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// One training run of real processes, and the faults that strike it. This process starts them, starts those again that die, hears from them when a
/// fault's moment has come, strikes while the moment lasts, and keeps the times. Everything is decided on one thread.
/// </summary>
sealed partial class FaultRun
{
    const int RestartsMax = 200; // of all processes together
    const string Host = "127.0.0.1";
    static readonly TimeSpan EndMax = TimeSpan.FromSeconds(45); // one that comes back when all is over looks for the others for a while

    readonly FaultPlan _plan;
    readonly FaultRunPlace _place;
    readonly Action<string> _say;
    readonly FaultedNode[] _nodes;
    readonly FaultOutcome[] _faults;
    readonly BlockingCollection<Action> _work = [];
    readonly Stopwatch _clock = Stopwatch.StartNew();
    readonly List<(TimeSpan At, Action Do)> _later = [];
    readonly Leadership _leadership = new();
    readonly ResidentMemory _memory = new();
    readonly Dictionary<string, FaultedNode> _holders = []; // tower-A, tower-B
    FaultedNode? _coordinator;
    TimeSpan? _trainingSince;
    int _generation, _generations, _restarts;
    long _stepsDone, _stepsRedone;
    TimeSpan _furtherAt; // when it came to a step for the first time, last
    string? _failure, _lastEvent;
    bool _over;

    /// <param name="plan">The cluster.</param>
    /// <param name="faults">What goes wrong.</param>
    /// <param name="place">Where it works and where it leaves its traces.</param>
    /// <param name="say">Told what strikes.</param>
    public FaultRun(FaultPlan plan, IReadOnlyList<Fault> faults, FaultRunPlace place, Action<string> say)
    {
        (_plan, _place, _say) = (plan, place, say);
        _faults = [.. faults.Select((f, i) => new FaultOutcome(i, f))];
        string[] addresses = [.. plan.Nodes.Select((_, i) => $"{place.Network?.HostOf(i) ?? Host}:{FreePorts.Take()}")];
        string seeds = string.Join(',', plan.Nodes.Zip(addresses).Where((n, i) => i == 0 || n.First.Has("coordinator")).Select(n => n.Second));
        _nodes = [.. plan.Nodes.Select((node, i) => new FaultedNode(node, addresses[i], [.. place.Network?.Enter(i) ?? [], .. Command(node, addresses[i], seeds)], place.In($"{node.Name}.log"), Hear))];
    }

    string[] Command(PlannedNode node, string address, string seeds) =>
    [
        .. FaultRunPlace.Program, "node", "--driven", "--roles", node.Roles, "--listen", address, "--seeds", seeds, "--unencrypted",
        .. node.Towers is { } towers ? new[] { "--towers", towers } : [],
        .. node.Has("gpu") ? new[] { "--device", _place.Device, "--set", "alexnet.threads=1" } : [],
        .. node.Has("coordinator") || node.Has("loader") ? new[] { "--data", _place.Data } : [],
        .. node.Has("coordinator") ? new[] { "--recipe", _plan.Recipe, "--run", _place.Run, "--steps", $"{_plan.Steps}" } : [],
        .. _plan.Set.SelectMany(s => new[] { "--set", s }),
    ];

    /// <summary>From any thread.</summary>
    void Hear(FaultedNode node, JsonObject? e) => _work.Add(() =>
    {
        if (e is null) OnEnd(node);
        else OnEvent(node, e);
    });

    public FaultRunResult Execute(string cleanDigest, CancellationToken stop)
    {
        using var stopped = stop.Register(() => _work.Add(() => _failure = "stopped as asked"));
        bool disk = _faults.Any(f => f.Fault is Fault.FillDisk);
        if (disk) _place.MakeDisk();
        try
        {
            foreach (var node in _nodes) Start(node);
            LookAtMemory();
            while (!_over && _failure is null) DoNext();
            if (_failure is null) LetEnd();
        }
        finally
        {
            foreach (var node in _nodes) node.Dispose();
            _place.Network?.Heal();
            if (disk) _place.KeepDisk();
        }
        var (lost, repeated) = _place.Samples(_plan.Steps);
        return new FaultRunResult(_place.Name, _faults, _clock.Elapsed.TotalSeconds, _place.Digest(_plan.Steps), cleanDigest, lost, repeated, _stepsRedone, _generations, _restarts, _leadership.Terms, _leadership.Overlap, _memory, _failure);
    }

    /// <summary>The next thing that is due or told; a run that gets no further for the plan's deadline has failed.</summary>
    void DoNext()
    {
        var due = _later.Where(l => l.At <= _clock.Elapsed).ToArray();
        foreach (var item in due)
        {
            _later.Remove(item);
            item.Do();
        }
        var left = _furtherAt + LongestFault + _plan.Deadline - _clock.Elapsed;
        if (left <= TimeSpan.Zero)
        {
            _failure = Describe();
            return;
        }
        var next = _later.Select(l => l.At - _clock.Elapsed).Append(left).Min();
        if (_work.TryTake(out var work, Math.Max(1, (int)Math.Min(next.TotalMilliseconds, int.MaxValue)))) work();
    }

    /// <summary>While it lasts, nobody has to get further.</summary>
    TimeSpan LongestFault => _faults.Select(f => f.Fault switch { Fault.Stop s => s.For, Fault.Partition p => p.For, _ => TimeSpan.Zero }).DefaultIfEmpty().Max();

    /// <summary>Who did not do what.</summary>
    string Describe()
    {
        string waiting = string.Join(", ", _faults.Where(f => !f.Over).Select(f => $"\"{f.Fault}\""));
        string nodes = string.Join("; ", _nodes.Select(n => $"{n.Plan.Name} ({(n.Runs ? "runs" : "is dead")}) said \"{n.LastLine}\""));
        return $"after {_stepsDone} of {_plan.Steps} steps no other for {(_clock.Elapsed - _furtherAt).TotalSeconds:0} s, last event {_lastEvent ?? "none"}{(waiting == "" ? "" : $", still to strike {waiting}")}: {nodes}";
    }

    void Start(FaultedNode node)
    {
        node.Start();
        foreach (var f in _faults.Where(f => !f.Over && IsTime(f))) node.Say($"arm {f.Number} {f.Fault}");
        if (_plan.StepTime > TimeSpan.Zero) node.Say($"pace {(int)_plan.StepTime.TotalMilliseconds}");
        node.Say("start");
    }

    bool IsTime(FaultOutcome f) => f.Fault.When.After is not { } after || _trainingSince is { } since && _clock.Elapsed >= since + after;

    void OnEnd(FaultedNode node)
    {
        if (_over) return;
        if (node.Plan.StaysDead) return;
        if (++_restarts > RestartsMax) _failure = $"{node.Plan.Name} has ended for the {node.Starts}th time, with exit code {node.ExitCode}: {node.LastLine}";
        else Later(_plan.RestartAfter, () => Start(node));
    }

    void LookAtMemory()
    {
        _memory.Look([.. _nodes.Select(n => n.ResidentBytes)]);
        Later(ResidentMemory.Interval, LookAtMemory);
    }

    void Later(TimeSpan after, Action work) => _later.Add((_clock.Elapsed + after, work));

    void OnEvent(FaultedNode node, JsonObject e)
    {
        string kind = (string)e["event"]!;
        double time = (double)e["time"]!;
        _leadership.Hear(node.Plan.Name, kind, time);
        if (kind != "due") _lastEvent = $"{kind} of {node.Plan.Name}";
        switch (kind)
        {
            case "due": OnDue(node, (int)e["fault"]!, (long)e["step"]!); break;
            case "missed": _faults[(int)e["fault"]!].CannotStrike("its moment was over when the answer came: the machine is too busy"); break;
            case "office":
                _coordinator = node;
                Suspect(time, $"{node.Plan.Name} takes over");
                break;
            case "formed":
                _generation = (int)e["generation"]!;
                _generations++;
                foreach (var seat in e["seats"]!.AsArray()) Seat((string)seat!);
                break;
            case "gone": Suspect(time, $"{NameOf((string)e["node"]!)} is gone: {e["why"]}"); break;
            case "broken": Suspect(time, $"the group is broken: {e["why"]}"); break;
            case "loaders": Suspect(time, $"loaders change: {e["why"]}"); break;
            case "step": OnStep(time, (long)e["step"]!); break;
            case "finished":
                foreach (var f in _faults) f.RunFinished(time);
                _over = true;
                break;
            case "failed":
                _failure = $"the run failed: {e["why"]}";
                break;
        }
    }

    void Suspect(double time, string sign)
    {
        foreach (var f in _faults) f.Suspect(time, sign);
    }

    void OnStep(double time, long steps)
    {
        if (_trainingSince is null)
        {
            _trainingSince = _clock.Elapsed;
            foreach (var f in _faults.Where(f => f.Fault.When.After is not null)) Later(f.Fault.When.After!.Value, () => Arm(f));
        }
        if (steps <= _stepsDone) _stepsRedone++;
        foreach (var f in _faults) f.StepDone(time, steps);
        if (steps > _stepsDone) (_stepsDone, _furtherAt) = (steps, _clock.Elapsed);
    }

    void Arm(FaultOutcome f)
    {
        foreach (var node in _nodes.Where(n => n.Runs)) node.Say($"arm {f.Number} {f.Fault}");
    }

    [GeneratedRegex(@"^tower (A|B|A and B) on .* of (\S+)$")]
    private static partial Regex SeatWords();

    void Seat(string words)
    {
        if (SeatWords().Match(words) is not { Success: true } m || _nodes.FirstOrDefault(n => n.Address == m.Groups[2].Value) is not { } node) return;
        foreach (string tower in m.Groups[1].Value.Split(" and ")) _holders[$"tower-{tower}"] = node;
    }

    string NameOf(string address) => _nodes.FirstOrDefault(n => n.Address == address)?.Plan.Name ?? address;

    /// <summary>A process has come to the fault's moment and keeps it until it is answered.</summary>
    void OnDue(FaultedNode witness, int number, long step)
    {
        var f = _faults[number];
        if (f.Over) // struck already: each fault strikes once in a run
        {
            witness.Say($"go {number}");
            return;
        }
        FaultedNode[] victims = [.. f.Fault.Whom.Each.Select(name => Find(name, witness, f.Fault)).OfType<FaultedNode>().Distinct()];
        if (victims.Length < f.Fault.Whom.Each.Count)
        {
            // It may be away just now: the fault waits for its next moment.
            witness.Say($"arm {number} {f.Fault}");
            witness.Say($"go {number}");
            return;
        }
        double now = EventLine.Now;
        foreach (var other in _faults.Where(o => o != f)) other.AnotherStrikes();
        if (Strike(f.Fault, victims, witness, number) is { } impossible) f.CannotStrike(impossible);
        else
        {
            f.Strike(now, step, _generation, string.Join(" and ", victims.Select(v => v.Plan.Name)), _stepsDone);
            _say($"{_place.Name}: {f.Fault} struck {f.Victims} at step {step}");
        }
        witness.Say($"go {number}"); // after "strike": the moment is over either way
        foreach (var node in _nodes.Where(n => n != witness)) node.Say($"disarm {number}");
    }

    /// <summary>The running process that has this role, or this name, now.</summary>
    FaultedNode? Find(string whom, FaultedNode witness, Fault fault)
    {
        bool ownMoment = fault.Whom.Each[0] == whom;
        var found = whom switch
        {
            Victims.TowerA or Victims.TowerB => ownMoment ? witness : _holders.GetValueOrDefault(whom),
            Victims.Coordinator => _coordinator,
            Victims.Loader when ownMoment && fault.When.Place == Places.Loading => witness,
            Victims.Loader => _nodes.Where(n => n.Runs && n.Plan.Has("loader")).OrderBy(n => n == _nodes[0]).FirstOrDefault(),
            Victims.Seed => _nodes[0],
            _ => _nodes.FirstOrDefault(n => n.Plan.Name == whom),
        };
        return found is { Runs: true } ? found : null;
    }

    /// <returns>Why it cannot be done; null when it is.</returns>
    string? Strike(Fault fault, FaultedNode[] victims, FaultedNode witness, int number)
    {
        switch (fault)
        {
            case Fault.Kill:
                foreach (var victim in victims) victim.Signal(Signals.Kill);
                return null;
            case Fault.Stop stop:
                foreach (var victim in victims) victim.Signal(Signals.Stop);
                Later(stop.For, () =>
                {
                    foreach (var victim in victims) victim.Signal(Signals.Continue);
                });
                return null;
            case Fault.FillDisk fill:
                _place.FillDisk(fill.For is { } time ? empty => Later(time, empty) : null);
                return null;
            case Fault.Damage damage:
                return _place.Damage(damage.Steps);
            case Fault.Partition partition:
                if (_place.Network is not { } network) return "partitions need network namespaces, which this run has none of";
                int[] cut = [.. victims.Select(v => Array.IndexOf(_nodes, v))];
                int[] from = partition.From == Victims.Nobody ? [.. Enumerable.Range(0, _nodes.Length).Except(cut)] : [.. partition.From.Each.Select(n => Find(n, witness, fault)).OfType<FaultedNode>().Select(n => Array.IndexOf(_nodes, n))];
                network.Part(cut, from, partition.OneWay);
                Later(partition.For, network.Heal);
                return null;
            default:
                if (fault.OnTheSpot && victims[0] != witness) return $"its moment was told by {witness.Plan.Name}";
                foreach (var victim in victims) victim.Say($"strike {number}");
                return null;
        }
    }

    /// <summary>The run is over: its nodes end by themselves, but for those that have come again too late to hear of it, which are asked to.</summary>
    void LetEnd()
    {
        var until = _clock.Elapsed + EndMax;
        _place.Network?.Heal();
        foreach (var node in _nodes.Where(n => n.MayComeLate)) node.Signal(Signals.Terminate);
        while (_nodes.Any(n => n.Runs) && _clock.Elapsed < until)
        {
            foreach (var node in _nodes) node.Signal(Signals.Continue); // one that is stopped
            if (_work.TryTake(out var work, 50)) work();
        }
        if (_nodes.FirstOrDefault(n => n.Runs) is { } late) _failure = $"{late.Plan.Name} has not ended {EndMax.TotalSeconds:0} s after the run: it said \"{late.LastLine}\"";
    }
}
