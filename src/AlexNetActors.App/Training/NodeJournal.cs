using Akka.Actor;
using Akka.Cluster;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>How a node's part ended.</summary>
/// <param name="Why">In words.</param>
/// <param name="Failed">Not as planned.</param>
/// <param name="WrongUse">It was started wrongly.</param>
/// <param name="PutOut">The cluster has put it out, or its actor system or coordinator ended for another reason that does not lie in it.</param>
/// <param name="Goals">It goes to the cluster of these nodes.</param>
sealed record NodeEnd(string Why, bool Failed, bool WrongUse = false, bool PutOut = false, Address[]? Goals = null);

/// <summary>Hears what a node is told of the run and, while the coordinator is on it, the run itself.</summary>
sealed class NodeJournal(string name, RunOffice? office, Output output)
{
    string _said = "";
    Exception? _refusal;

    public TaskCompletionSource<NodeEnd> End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>It was asked to stop by a signal.</summary>
    public bool Stopping { get; set; }

    /// <summary>The coordinator is here, and has ended the run.</summary>
    public bool RunIsOver { get; private set; }

    /// <summary>It has formed a group.</summary>
    public bool FormedGroup { get; private set; }

    /// <summary>From the coordinator's actor, as it takes office. Where a seed's node has the run folder there are two clusters, and that one trains.</summary>
    public OpenedRun Open(RunOffice office, Func<string, bool> isReplaced, IEnumerable<Address> seeds)
    {
        try
        {
            var run = office.Open(name, isReplaced);
            output.Event(EventLine.Line("office", ("node", name)));
            return run;
        }
        catch (FolderHeldException e) when (seeds.FirstOrDefault(s => Majority.NodeName(s) == e.Owner) is { } there && e.Owner != name)
        {
            End.TrySetResult(new NodeEnd($"{e.Owner}, which is of another cluster, trains into this node's run folder", Failed: true, Goals: [there]));
            throw;
        }
        catch (Exception e)
        {
            _refusal = e;
            End.TrySetResult(new NodeEnd(e.Message, Failed: true));
            throw;
        }
    }

    public void Hear(object message)
    {
        if (message is IRunEvent told && office is { Taken.IsCompleted: true }) output.Event(EventLine.Of(told));
        if (message is IRunEvent e && office is { Taken.IsCompleted: true })
        {
            office.Hear(e);
            FormedGroup |= e is GroupFormed;
            RunIsOver |= e is RunFinished or RunFailed;
        }
        else if (message is IRunEvent other)
            foreach (string line in Words.OfGroup(other)) Say(line);
        switch (message)
        {
            case NodeActor.Remark m when !End.Task.IsCompleted: Say(m.Line); break; // after the end all connections go
            case NodeAdmitted: Say($"{name} is admitted"); break;
            case CoordinatorElsewhere m:
                string there = string.Join(" and ", m.Through.Select(Majority.NodeName));
                End.TrySetResult(new NodeEnd(m.Idle ? $"this cluster's coordinator waits for members, and that of {there} is stronger and has one, too" : $"this cluster has no coordinator, that of {there} has", Failed: true, Goals: m.Through));
                break;
            case OfficeTaken: End.TrySetResult(new NodeEnd("another cluster has taken over from the coordinator here", Failed: true, PutOut: true)); break;
            case NodeTurnedAway m when m.Node == name: End.TrySetResult(new NodeEnd(m.Reason, Failed: true, WrongUse: true)); break;
            case RunFinished m when Stopping: End.TrySetResult(new NodeEnd($"stopped after step {m.Steps} as asked", Failed: true)); break;
            case RunFinished m: End.TrySetResult(new NodeEnd(m.Why, Failed: false)); break;
            case RunFailed m: End.TrySetResult(new NodeEnd(m.Reason, Failed: true)); break;
            case RunOver m: End.TrySetResult(new NodeEnd(m.Why, m.Failed)); break;
            case NodeReleased: End.TrySetResult(new NodeEnd("stopped as asked; the others go on", Failed: true)); break;
        }
    }

    void Say(string line)
    {
        if (line == _said) return;
        _said = line;
        output.Log.WriteLine(line);
    }

    /// <summary>Keeps the view of the run, if it is here, until the node's part ends.</summary>
    public NodeEnd Follow()
    {
        if (office is not null) Task.WaitAny(office.Taken, End.Task);
        if (office is { Taken.IsCompletedSuccessfully: true } && !End.Task.IsCompleted) office.Taken.Result.View.Follow(office.Taken.Result.Journal, End.Task);
        return End.Task.Result;
    }

    /// <returns>The exit code.</returns>
    public int Report(NodeEnd end)
    {
        if (_refusal is not null) throw _refusal;
        if (end.WrongUse) throw new UsageException(end.Why);
        if (office is { Taken.IsCompletedSuccessfully: true }) return office.Taken.Result.Report(new RunEnd(end.Failed ? end.Why : null, end.Why));
        if (end.Failed) throw new RunException(end.Why);
        output.Result.WriteLine($"the run is over: {end.Why}");
        return 0;
    }
}

/// <summary>The journal's ear in the actor system.</summary>
sealed class NodeObserverActor : ReceiveActor
{
    readonly Cluster _cluster = Cluster.Get(Context.System);

    /// <param name="journal">Hears all else.</param>
    /// <param name="isIn">Called when the cluster has let this node in; or this node, the first, has founded one.</param>
    public NodeObserverActor(NodeJournal journal, Action<bool> isIn)
    {
        Receive<ClusterEvent.IMemberEvent>(m =>
        {
            if (IsSelf(m.Member)) _cluster.SendCurrentClusterState(Self); // what Cluster.State shows is not yet this
        });
        Receive<ClusterEvent.CurrentClusterState>(s => isIn(s.Members.All(m => IsSelf(m) || (m.Status == MemberStatus.Joining && s.Members.Any(n => IsSelf(n) && n.Status == MemberStatus.Up)))));
        ReceiveAny(journal.Hear);
    }

    bool IsSelf(Member member) => member.UniqueAddress.Equals(_cluster.SelfUniqueAddress);

    protected override void PreStart() => _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));
}
