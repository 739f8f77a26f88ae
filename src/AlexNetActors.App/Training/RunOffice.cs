using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>
/// What a coordinator needs on its node: opens the run folder when it takes office, and closes it when it leaves, so that another may take over.
/// </summary>
sealed class RunOffice(string runFolder, RunPlan plan, NodeSettings node, Output output, Board? board, SinkOptions sinks)
{
    readonly TaskCompletionSource<RunRecord> _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    volatile RunRecord? _record;
    bool _manifestWritten;

    /// <summary>The dashboard's; null for none.</summary>
    public Board? Board => board;

    /// <summary>The record of the run, once the coordinator is on this node.</summary>
    public Task<RunRecord> Taken => _taken.Task;

    /// <param name="me">Name of this node.</param>
    /// <param name="isReplaced">Whether a node was of this cluster and is no more: its run folder is taken over.</param>
    /// <exception cref="FolderHeldException">The folder is another process's.</exception>
    /// <exception cref="UsageException">It is another run's.</exception>
    /// <exception cref="RunException">It is damaged or cannot be written.</exception>
    public OpenedRun Open(string me, Func<string, bool> isReplaced)
    {
        var folder = new RunFolder(runFolder);
        var ours = folder.Lock(me, isReplaced);
        if (ours.TakenOver) output.Log.WriteLine($"{folder.Path} is taken over from a node that the cluster has put out");
        try
        {
            var earlier = folder.HoldsRun ? folder.ReadManifest() : null;
            var start = earlier is null
                ? RunStart.Begin(folder, plan)
                : RunStart.GoOn(folder, plan.Manifest(earlier.Devices, earlier.DeviceKind), plan, earlier, output.Log.WriteLine);
            _manifestWritten = earlier is not null;
            plan.Introduce(output.Log);
            output.Log.WriteLine($"run folder {folder.Path}");
            var record = _record = RunRecord.Open(folder, plan, start, output, board, sinks, group: true, ours.TakenOver);
            _taken.TrySetResult(record);
            return new OpenedRun(node.RunOf(plan, folder, start, earlier?.DeviceKind, cluster: true), () =>
            {
                record.Dispose();
                ours.Dispose();
            });
        }
        catch
        {
            ours.Dispose();
            throw;
        }
    }

    /// <summary>From the observer, one at a time. With its first group the run has its devices: from then on its folder holds a run.</summary>
    public void Hear(IRunEvent e)
    {
        if (e is GroupFormed formed && !_manifestWritten)
        {
            new RunFolder(runFolder).Write(plan.Manifest(formed.Devices, formed.Kind));
            _manifestWritten = true;
        }
        _record?.Journal.Hear(e);
    }
}
