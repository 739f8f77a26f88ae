using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// Studies the newest checkpoint when somebody asks for it: one at a time, each once, on one thread of this process that runs when nothing else wants
/// the processor, whatever devices the run is on.
/// </summary>
sealed class StudyDesk
{
    static readonly DeviceFactory Device = new("cpu", "cpu", "cpu", () => new CpuDevice(threads: 1));

    readonly Lock _lock = new();
    bool _busy;
    long? _begun; // steps of the checkpoint that was last looked at, or is
    string _said = "";
    CheckpointStudy? _newest;

    /// <summary>The newest study there is, whether another is under way, and in words what that does, or why it did not come to one.</summary>
    /// <param name="checkpoint">The newest one; null for none.</param>
    /// <param name="steps">A study of a checkpoint after so many steps, or more, will do.</param>
    public (CheckpointStudy? Study, bool Busy, string Said) Ask(CheckpointWritten? checkpoint, long steps)
    {
        lock (_lock)
        {
            if (checkpoint is not null && !_busy && _begun != checkpoint.Steps && !(_newest?.Step >= steps)) Begin(checkpoint);
            return (_newest, _busy, checkpoint is null ? "There is no checkpoint yet." : _said);
        }
    }

    /// <returns>A picture of the newest study's sheet; null for any other.</returns>
    public byte[]? Picture(string name)
    {
        lock (_lock) return _newest?.Pictures.GetValueOrDefault(name);
    }

    void Begin(CheckpointWritten checkpoint)
    {
        (_busy, _begun, _said) = (true, checkpoint.Steps, $"Looking at the checkpoint after step {checkpoint.Steps}, when nothing else wants the processor.");
        new Thread(() => Study(checkpoint)) { IsBackground = true, Name = "study" }.Start();
    }

    void Study(CheckpointWritten checkpoint)
    {
        IdlePriority.Take();
        CheckpointStudy? study = null;
        string said = "";
        try
        {
            study = CheckpointStudy.Of(checkpoint.Folder, Device);
        }
        catch (Exception e) when (e is CheckpointException or RunException or UsageException or DataException or RecipeException or NotFiniteException or DeviceException or OutOfMemoryException)
        {
            said = $"The checkpoint after step {checkpoint.Steps} cannot be looked at: {Hocon.OneLine(e.Message)}";
        }
        lock (_lock) (_busy, _said, _newest) = (false, said, study ?? _newest);
    }
}
