using System.Runtime.InteropServices;
using Akka.Actor;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>Hosts a run: an actor system with one node in it, from its first message to its last. The calling thread keeps the view.</summary>
static class TrainingRun
{
    static readonly TimeSpan TerminateMax = TimeSpan.FromSeconds(10);

    /// <summary>How long a run that was asked to stop may take for its step and its checkpoint.</summary>
    static readonly TimeSpan StopMax = TimeSpan.FromSeconds(60);

    public static RunEnd Execute(RunSettings run, NodeMeans means, NodeSettings node, RunJournal journal, IRunView view)
    {
        var system = ActorSystem.Create("alexnet", node.Akka);
        var observer = system.ActorOf(Props.Create(() => new RunObserverActor(journal)), "observer");
        var nodeActor = system.ActorOf(NodeActor.Props(means, CoordinatorActor.Props(() => new OpenedRun(run, Nothing.Instance), means.Name, means.Tensors, observer), proxy: null, observer), "node");
        var asked = 0;
        void Stop(PosixSignalContext signal)
        {
            if (Interlocked.Increment(ref asked) > 1) return; // the second signal ends the process
            signal.Cancel = true;
            view.Say($"stopping after this step, with a checkpoint, within {StopMax.TotalSeconds:0} s; the same again stops at once");
            nodeActor.Tell(new StopRun());
            Task.Delay(StopMax).ContinueWith(_ => observer.Tell(new RunFailed($"the step did not end within {StopMax.TotalSeconds:0} s of being asked to stop; go on from the last checkpoint with --resume")), TaskScheduler.Default);
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        view.Follow(journal, journal.End);
        var end = journal.End.Result;
        system.Terminate().Wait(TerminateMax);
        return Volatile.Read(ref asked) > 0 && end.Failure is null ? end with { Failure = $"stopped after step {journal.Status.Steps} as asked; go on with --resume" } : end;
    }

    /// <summary>The run folder is locked by the command itself.</summary>
    sealed class Nothing : IDisposable
    {
        public static readonly Nothing Instance = new();

        public void Dispose() { }
    }
}
