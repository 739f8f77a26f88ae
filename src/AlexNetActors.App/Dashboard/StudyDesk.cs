using AlexNetActors.Actors;
using AlexNetActors.Compute.Cpu;

namespace AlexNetActors.App;

/// <summary>
/// Studies the newest checkpoint when somebody asks for it: one at a time, each once, on one thread of this process that runs when nothing else wants
/// the processor, whatever devices the run is on.
/// </summary>
/// <param name="device">Computes.</param>
sealed class StudyDesk(DeviceFactory device)
{
    public static DeviceFactory OneThread { get; } = new("cpu", "cpu", "cpu", () => new CpuDevice(threads: 1));

    readonly Lock _lock = new();
    CheckpointWritten? _looked, _next; // at which it looks; and at which then
    string _said = "";
    CheckpointStudy? _newest;

    /// <summary>The newest study there is, whether another is under way, and in words what that does, or why the last one came to nothing.</summary>
    public (CheckpointStudy? Study, bool Busy, string Said) Read()
    {
        lock (_lock) return (_newest, _looked is not null, _said);
    }

    /// <summary>Somebody wants a study of this checkpoint; one that is under way is ended first.</summary>
    /// <param name="checkpoint">The newest one; null for none.</param>
    public (CheckpointStudy? Study, bool Busy, string Said) Ask(CheckpointWritten? checkpoint)
    {
        lock (_lock)
        {
            if (_looked is not null) _next = checkpoint?.Steps == _looked.Steps ? null : checkpoint;
            else if (checkpoint is null) _said = "There is no checkpoint yet.";
            else if (checkpoint.Steps == _newest?.Step) _said = "";
            else Begin(checkpoint);
            return Read();
        }
    }

    /// <returns>A picture of the newest study's sheet; null for any other.</returns>
    public byte[]? Picture(string name)
    {
        lock (_lock) return _newest?.Pictures.GetValueOrDefault(name);
    }

    void Begin(CheckpointWritten checkpoint)
    {
        (_looked, _next, _said) = (checkpoint, null, $"Looking at the checkpoint after step {checkpoint.Steps}, when nothing else wants the processor.");
        new Thread(() => Study(checkpoint)) { IsBackground = true, Name = "study" }.Start();
    }

    void Study(CheckpointWritten checkpoint)
    {
        IdlePriority.Take();
        CheckpointStudy? study = null;
        string said = "";
        try
        {
            study = CheckpointStudy.Of(checkpoint.Folder, device, Machine.FreeBytes());
        }
        catch (Exception e) // whatever it is: from this thread it would end the process, and with it the run
        {
            said = $"The checkpoint after step {checkpoint.Steps} cannot be looked at: {Hocon.OneLine(e.Message)}";
        }
        lock (_lock)
        {
            (_looked, _said, _newest) = (null, said, study ?? _newest);
            if (_next is { } next) Begin(next);
        }
    }
}
