using System.Threading.Channels;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// The run for TensorBoard, on a thread of its own that runs when nothing else wants the processor: scalars at each step and validation; at each
/// checkpoint, from its files, the first layer's kernels and how the weights of every layer are spread. Where training starts or goes on there is a new
/// file, and it takes back what is done again.
/// </summary>
sealed class TensorBoardSink : IRunSink
{
    /// <summary>Events that may wait while a checkpoint is read; of more, those that come meanwhile are left out.</summary>
    const int WaitingMax = 4096;
    static readonly TimeSpan EndMax = TimeSpan.FromSeconds(10);

    readonly Channel<(double Time, IRunEvent Event, RunStatus Status)> _waiting =
        Channel.CreateBounded<(double, IRunEvent, RunStatus)>(new BoundedChannelOptions(WaitingMax) { SingleReader = true });
    readonly string _folder;
    readonly Network _network;
    readonly Action<string> _say;
    readonly Thread _thread;
    EventFile? _file; // from where training starts
    bool _leftOut;
    volatile bool _ended; // nothing more is taken

    /// <param name="folder">Where the files go; made if missing.</param>
    /// <param name="network">Whose weights.</param>
    /// <param name="say">Told what goes wrong.</param>
    public TensorBoardSink(string folder, Network network, Action<string> say)
    {
        (_folder, _network, _say) = (folder, network, say);
        _thread = new Thread(Run) { IsBackground = true, Name = "tensorboard" };
        _thread.Start();
    }

    public void Hear(IRunEvent e, RunStatus status)
    {
        if (_ended || e is not (RunStarted or StepCompleted or ValidationCompleted or CheckpointWritten)) return;
        if (_waiting.Writer.TryWrite((EventLine.Now / 1000, e, status)) || _ended || _leftOut) return;
        _leftOut = true;
        _say($"{_folder} is written more slowly than the run goes: some of its points are left out");
    }

    void Run()
    {
        IdlePriority.Take();
        try
        {
            while (_waiting.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
                while (_waiting.Reader.TryRead(out var told)) Write(told.Time, told.Event, told.Status);
        }
        catch (Exception e) when (Disk.Refusal(e) is not null)
        {
            _ended = true;
            _say($"cannot write {_file?.Name ?? _folder}: {Hocon.OneLine(Disk.Refusal(e)!)}; nothing more goes to TensorBoard, training goes on");
        }
        finally
        {
            _file?.Dispose();
        }
    }

    void Write(double time, IRunEvent e, RunStatus status)
    {
        switch (e)
        {
            case RunStarted m: Start(time, m.Steps); break;
            case StepCompleted m:
                _file!.Append(TensorBoardEvent.Scalars(time, m.Step + 1, [.. Scores("training", m.Score), ("learning_rate", m.Rate), ("images_per_second", status.LastStep.Score.Images / status.LastStep.Seconds)]));
                break;
            case ValidationCompleted m: _file!.Append(TensorBoardEvent.Scalars(time, m.Steps, [.. Scores("validation", m.Score)])); break;
            case CheckpointWritten m: WriteWeights(time, m); break;
        }
    }

    void Start(double time, long steps)
    {
        _file?.Dispose();
        _file = EventFile.Create(_folder);
        _file.Append(TensorBoardEvent.Version(time));
        _file.Append(TensorBoardEvent.Start(time, steps + 1));
    }

    static IEnumerable<(string, double)> Scores(string set, Score score) => [($"loss/{set}", score.Loss), ($"top1_error/{set}", score.Top1Error), ($"top5_error/{set}", score.Top5Error)];

    void WriteWeights(double time, CheckpointWritten m)
    {
        try
        {
            string first = _network.Layers[0].Name;
            if (KernelPictures.Read(m.Folder, m.Steps, first) is { } pictures)
                foreach (var tower in pictures.Towers) _file!.Append(TensorBoardEvent.Image(time, m.Steps, $"{first}/tower {tower.Tower}", KernelSheet.Of(tower, pictures.Size)));
            foreach (string name in _network.Layers.SelectMany(l => new[] { l.WeightName, l.BiasName }))
                foreach (var tower in TowerIds.Both)
                    _file!.Append(TensorBoardEvent.Histogram(time, m.Steps, $"{name}/tower {tower}", Histogram.Of(take => SafeTensors.Scan(Path.Combine(m.Folder, CheckpointFolder.TowerFile(tower)), name, take))));
        }
        catch (CheckpointException e) // newer ones have replaced it meanwhile
        {
            _say($"TensorBoard gets no weights of step {m.Steps}: {e.Message}");
        }
    }

    public void Dispose()
    {
        _ended = true;
        _waiting.Writer.TryComplete();
        if (!_thread.Join(EndMax)) _say($"{_folder} was not written to its end within {EndMax.TotalSeconds:0} s");
    }
}
