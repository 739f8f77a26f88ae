using System.Globalization;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// Something that is made to go wrong on purpose, at a point of a run. Written and read as one line (<see cref="FaultLanguage"/>):
/// "kill tower-B at step 7 in exchange conv3 backward".
/// </summary>
/// <param name="Whom">Who is hit; several at once when killed, stopped or cut off.</param>
/// <param name="When">The moment that it strikes at.</param>
public abstract record Fault(Victims Whom, FaultTime When)
{
    /// <summary>SIGKILL.</summary>
    public sealed record Kill(Victims Whom, FaultTime When) : Fault(Whom, When)
    {
        public override string ToString() => $"kill {Whom} {When}";
    }

    /// <summary>SIGSTOP, then SIGCONT.</summary>
    public sealed record Stop(Victims Whom, FaultTime When, TimeSpan For) : Fault(Whom, When)
    {
        public override string ToString() => $"stop {Whom} {When}{Lasting(For)}";
    }

    /// <summary>A failure where the victim computes, as a kernel's would be: <see cref="Starved"/>, as an allocation's would be.</summary>
    public sealed record Throw(Victims Whom, FaultTime When, bool Starved) : Fault(Whom, When)
    {
        public override string ToString() => $"{(Starved ? "starve" : "throw")} {Whom} {When}";
    }

    /// <summary>Its tensor connections are reset.</summary>
    public sealed record Disconnect(Victims Whom, FaultTime When) : Fault(Whom, When)
    {
        public override string ToString() => $"disconnect {Whom} {When}";
    }

    /// <summary>One byte of the next frame that it sends is another on the wire.</summary>
    public sealed record Corrupt(Victims Whom, FaultTime When) : Fault(Whom, When)
    {
        public override string ToString() => $"corrupt {Whom} {When}";
    }

    /// <summary>Each piece that it sends goes so much later; without an end, to the end of the process.</summary>
    public sealed record Delay(Victims Whom, TimeSpan By, FaultTime When, TimeSpan? For) : Fault(Whom, When)
    {
        public override string ToString() => $"delay {Whom} by {FaultLanguage.Text(By)} {When}{Lasting(For)}";
    }

    /// <summary>It sends no faster; without an end, to the end of the process.</summary>
    public sealed record Throttle(Victims Whom, long BytesPerSecond, FaultTime When, TimeSpan? For) : Fault(Whom, When)
    {
        public override string ToString() => $"throttle {Whom} to {FaultLanguage.TextOfRate(BytesPerSecond)} {When}{Lasting(For)}";
    }

    /// <summary>Its device takes so many times as long; without an end, to the end of the process.</summary>
    public sealed record Slow(Victims Whom, double Factor, FaultTime When, TimeSpan? For) : Fault(Whom, When)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"slow {Whom} by {Factor} {When}{Lasting(For)}");
    }

    /// <summary>A NaN comes into what the tower holds, right before the phase: into the last layer's gradient, or into what the phase's segment sees.</summary>
    public sealed record Spoil(Victims Whom, FaultTime When, bool Gradient) : Fault(Whom, When)
    {
        public override string ToString() => $"nan {Whom} in {(Gradient ? "gradient" : "activation")} {When}";
    }

    /// <summary>Nothing that it writes into the run folder gets room; without an end, to the end of the process.</summary>
    public sealed record FillDisk(Victims Whom, FaultTime When, TimeSpan? For) : Fault(Whom, When)
    {
        public override string ToString() => $"fill disk of {Whom} {When}{Lasting(For)}";
    }

    /// <summary>A byte of a checkpoint's file is another from then on; null means the newest one.</summary>
    public sealed record Damage(long? Steps, FaultTime When) : Fault(Victims.Nobody, When)
    {
        public override string ToString() => $"damage checkpoint {Steps?.ToString(CultureInfo.InvariantCulture) ?? "newest"} {When}";
    }

    /// <summary>The network drops what they send each other; one way: only what the victim sends.</summary>
    /// <param name="Whom">Who is cut off.</param>
    /// <param name="From">From whom; nobody in particular means everybody.</param>
    /// <param name="OneWay">Whether the victim still hears them.</param>
    /// <param name="When">When it begins.</param>
    /// <param name="For">Until it heals.</param>
    public sealed record Partition(Victims Whom, Victims From, bool OneWay, FaultTime When, TimeSpan For) : Fault(Whom, When)
    {
        public override string ToString() => $"partition {Whom} from {(From == Victims.Nobody ? "all" : From)}{(OneWay ? " one-way" : "")} {When}{Lasting(For)}";
    }

    /// <summary>Whether the process that computes at the moment has to do it itself, on the thread that computes.</summary>
    public bool OnTheSpot => this is Throw or Spoil;

    /// <summary>Whether someone outside of the victim does it: a signal, the disk, the network.</summary>
    public bool FromOutside => this is Kill or Stop or FillDisk or Damage or Partition;

    static string Lasting(TimeSpan? time) => time is { } t ? $" for {FaultLanguage.Text(t)}" : "";
}

/// <summary>Who is hit: roles, or names of nodes in the plan.</summary>
public sealed record Victims(string Names)
{
    public const string TowerA = "tower-A", TowerB = "tower-B", Loader = "loader", Coordinator = "coordinator", Seed = "seed";

    public static readonly Victims Nobody = new("");

    public IReadOnlyList<string> Each => Names == "" ? [] : Names.Split(" and ");

    public bool Has(string name) => Each.Contains(name);

    public static string Of(TowerId tower) => tower == TowerId.A ? TowerA : TowerB;

    public override string ToString() => Names;
}

/// <summary>
/// At the first such moment of this step or a later one; a plan may name a time since the run's first step instead. "Or a later one":
/// not every step has a validation, and a moment must not be missed because a process was away.
/// </summary>
/// <param name="Step">The step.</param>
/// <param name="After">The time; null for a step.</param>
/// <param name="Place">Where in the step.</param>
public sealed record FaultTime(long Step, TimeSpan? After, Place Place)
{
    public bool Has(Moment moment) => moment.Place == Place && moment.Step >= Step;

    public override string ToString() => $"at {(After is { } t ? FaultLanguage.Text(t) : $"step {Step.ToString(CultureInfo.InvariantCulture)}")} in {Place}";
}

/// <summary>A line that is no fault. Its message is one line: what, where, what to do.</summary>
public sealed class FaultException(string message) : Exception(message);
