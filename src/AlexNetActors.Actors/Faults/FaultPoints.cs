using System.Collections.Immutable;
using System.Diagnostics;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>Who decides whether a fault strikes whose moment has come, and strikes where this process cannot.</summary>
public interface IFaultJudge
{
    /// <summary>Waits, for a bounded time, while the moment lasts.</summary>
    /// <returns>Whether this process is to do it; false also when it has been done, here or elsewhere.</returns>
    bool Strikes(int number, Moment moment);
}

/// <summary>
/// The faults that this process waits for. Where training comes to a point that a fault may name, it says so here, if there is such a thing:
/// an ordinary run has none and pays a null check. What a moment's own thread does (throw, a NaN) is done on it, everything else while it waits.
/// </summary>
/// <param name="judge">Asked at every moment; null when this process strikes itself, each fault once.</param>
public sealed class FaultPoints(IFaultJudge? judge)
{
    readonly Lock _lock = new();
    ImmutableList<(int Number, Fault Fault)> _armed = [];
    long _stepsDone;
    double _slowFactor;
    long _slowUntil, _lastMoment, _stepBegan;

    /// <summary>What goes wrong with what this process sends.</summary>
    public Disturbance Disturbance { get; } = new();

    /// <summary>A step takes at least so long: a plan whose faults come by the clock needs a run that lasts.</summary>
    public TimeSpan StepTime { get; set; }

    /// <summary>From now on the fault waits for its moment.</summary>
    /// <param name="number">By which the judge knows it.</param>
    /// <param name="fault">The fault.</param>
    public void Arm(int number, Fault fault)
    {
        lock (_lock) _armed = _armed.RemoveAll(a => a.Number == number).Add((number, fault));
    }

    /// <summary>It has struck somewhere: it will not here.</summary>
    /// <returns>False when it did not wait any more.</returns>
    public bool Disarm(int number)
    {
        lock (_lock)
        {
            int before = _armed.Count;
            _armed = _armed.RemoveAll(a => a.Number == number);
            return _armed.Count < before;
        }
    }

    /// <summary>What the passes of these towers tell their moments to, on the compute thread.</summary>
    public Action<Moment> AtTowers(IReadOnlyList<Tower> towers) => moment =>
    {
        if (moment.Place.Stage == Stage.Loading) _stepsDone = moment.Step;
        if (moment.Place.Stage == Stage.Update) _stepsDone = moment.Step + 1;
        if (moment.Step < 0) moment = moment with { Step = _stepsDone };
        KeepPace(moment);
        LoseTime(moment);
        Tell(moment, f => IsSeenBy(towers, f), f => StrikeTower(towers, f));
    };

    /// <summary>A loader is about to read this step's batch.</summary>
    public void AtLoader(long step) => Tell(new Moment(Places.Loading, step), f => IsFirst(f, Victims.Loader), f => StrikeLoader(f));

    /// <summary>The coordinator's archive has written a file of the checkpoint after so many steps, and not yet its name.</summary>
    public void AtArchive(long steps) => Tell(new Moment(Places.Checkpoint, steps), f => IsFirst(f, Victims.Coordinator), Act);

    void Tell(Moment moment, Func<Fault, bool> isSeenHere, Action<Fault> strike)
    {
        foreach (var (number, fault) in _armed)
        {
            if (!fault.When.Has(moment) || !isSeenHere(fault) || !Disarm(number)) continue;
            if (judge is null || judge.Strikes(number, moment)) strike(fault);
        }
    }

    static bool IsFirst(Fault fault, string name) => fault.Whom.Each is [var first, ..] && first == name;

    /// <summary>A tower's own moments are the tower's; for those who have no such moment themselves, tower A tells it.</summary>
    bool IsSeenBy(IReadOnlyList<Tower> towers, Fault fault)
    {
        if (IsFirst(fault, Victims.TowerA) || IsFirst(fault, Victims.TowerB)) return towers.Any(t => IsFirst(fault, Victims.Of(t.Id)));
        bool ownMoment = IsFirst(fault, Victims.Loader) && fault.When.Place == Places.Loading || IsFirst(fault, Victims.Coordinator) && fault.When.Place == Places.Checkpoint;
        return judge is not null && !ownMoment && towers.Any(t => t.Id == TowerId.A);
    }

    void StrikeTower(IReadOnlyList<Tower> towers, Fault fault)
    {
        switch (fault)
        {
            case Fault.Throw { Starved: true }: throw new OutOfMemoryException($"{fault}: there is no memory left, on purpose");
            case Fault.Throw: throw new DeviceException($"{fault}: a kernel has failed, on purpose");
            case Fault.Spoil f: Spoil(towers.First(t => IsFirst(f, Victims.Of(t.Id))), f); break;
            default: Act(fault); break;
        }
    }

    void StrikeLoader(Fault fault)
    {
        if (fault is Fault.Throw { Starved: true }) throw new OutOfMemoryException($"{fault}: there is no memory left, on purpose");
        if (fault is Fault.Throw) throw new DataException($"{fault}: reading has failed, on purpose");
        Act(fault);
    }

    static void Spoil(Tower tower, Fault.Spoil fault)
    {
        int segment = tower.Network.Segments.ToList().FindIndex(s => s.Layers[0].Name == fault.When.Place.Layer);
        var tensor = fault.Gradient ? tower.Parameters.Last(p => !p.IsBias).Gradient! : tower.InputOf(segment);
        float[] values = new float[tensor.Shape.Count];
        tower.Device.Read(tensor, values);
        values[0] = float.NaN;
        tower.Device.Write(values, tensor);
    }

    /// <summary>From the judge, or at the moment: what this process can do to itself on any thread.</summary>
    public void Act(Fault fault)
    {
        switch (fault)
        {
            case Fault.Kill: Signals.Send(Signals.Kill, Environment.ProcessId); break;
            case Fault.Stop f:
                Process.Start("/bin/sh", ["-c", $"sleep {f.For.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)}; kill -CONT {Environment.ProcessId}"]).Dispose();
                Signals.Send(Signals.Stop, Environment.ProcessId);
                break;
            case Fault.Disconnect: Disturbance.Reset(); break;
            case Fault.Corrupt: Disturbance.CorruptNext(); break;
            case Fault.Delay f: Disturbance.Delay(f.By, f.For); break;
            case Fault.Throttle f: Disturbance.Throttle(f.BytesPerSecond, f.For); break;
            case Fault.Slow f:
                _slowUntil = Disturbance.Until(f.For);
                _slowFactor = f.Factor;
                break;
            default: throw new FaultException($"{fault}: no process can do that to itself; `alexnet faults` does");
        }
    }

    void KeepPace(Moment moment)
    {
        if (moment.Place.Stage != Stage.Loading || StepTime == TimeSpan.Zero) return;
        var left = StepTime - Stopwatch.GetElapsedTime(_stepBegan);
        if (_stepBegan != 0 && left > TimeSpan.Zero) Thread.Sleep(left);
        _stepBegan = Stopwatch.GetTimestamp();
    }

    /// <summary>A slow device: what was computed since the moment before takes so many times as long. Waiting for the other tower is not computing.</summary>
    void LoseTime(Moment moment)
    {
        if (_slowFactor > 0 && Environment.TickCount64 < _slowUntil && _lastMoment != 0)
            Thread.Sleep(Stopwatch.GetElapsedTime(_lastMoment) * (_slowFactor - 1));
        _lastMoment = moment.Place.Stage is Stage.ExchangeForward or Stage.ExchangeBackward or Stage.Update ? 0 : Stopwatch.GetTimestamp();
    }
}
