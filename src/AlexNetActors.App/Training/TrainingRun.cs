using Akka.Actor;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>Hosts a run: an actor system with one node in it, from its first message to its last. The calling thread keeps the view.</summary>
static class TrainingRun
{
    static readonly TimeSpan TerminateMax = TimeSpan.FromSeconds(10);

    public static RunEnd Execute(RunSettings run, NodeMeans means, NodeSettings node, RunJournal journal, IRunView view, Board? board, string commandToGoOn)
    {
        var system = ClusterSystem.StartAlone(node.Akka);
        var observer = system.ActorOf(Props.Create(() => new RunObserverActor(journal)), "observer");
        var nodeActor = system.ActorOf(NodeActor.Props(means, CoordinatorActor.Props(() => new OpenedRun(run), means.Name, means.Tensors, observer), proxy: null, observer), "node");
        nodeActor.WatchAsync().ContinueWith(_ => observer.Tell(new RunFailed("the node's actors cannot be started, or have ended: is node.conf as it came?")), TaskScheduler.Default);
        using var signals = new StopSignals(view.Say, stop: () => nodeActor.Tell(new StopRun()), late: why => observer.Tell(new RunFailed(why)));
        board?.Obey(nodeActor, means.Name);
        view.Follow(journal, journal.End);
        var end = journal.End.Result;
        system.Terminate().Wait(TerminateMax);
        return signals.Asked && end.Failure is null ? end with { Failure = $"stopped after step {journal.Status.Steps} as asked; go on with `{commandToGoOn}`" } : end;
    }
}
