using System.Globalization;
using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using ILGPU.Runtime;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// Training on a GPU side by side with PyTorch on the same GPU, contender after contender, round after round. All train the same network on one
/// batch that lies ready; ours in the host's memory as 8-bit crops, so what a step needs still moves, PyTorch's on the GPU as float32. Ours
/// reads every step's loss, PyTorch's only the last. Then `alexnet train` itself, actors and loaders and all, on pictures from packs.
/// </summary>
sealed class GpuSpeed : IDisposable
{
    static readonly TimeSpan FreeMax = TimeSpan.FromSeconds(10);

    static readonly (string Word, string Name)[] PyTorchVariants =
    [
        ("nchw", "PyTorch"), ("nhwc", "PyTorch, channels_last"), ("banded", "PyTorch, channels_last, normalisation by a banded 1x1 convolution"), ("compiled", "PyTorch, torch.compile"),
    ];

    /// <summary>A way to train: its rounds, or why it has none.</summary>
    sealed class Contender(string name, bool ours, Func<ITrainer> open)
    {
        ITrainer? _trainer;

        public string Name => name;
        public bool IsOurs => ours;
        public List<TrainedRound> Rounds { get; } = [];
        public string? Failure { get; private set; }
        public double? ImagesPerSecond => Rounds.Count == 0 ? null : Median.Of(Rounds.Select(r => r.ImagesPerSecond));

        public void Open() => Try(() => _trainer = open());

        public void Train(double seconds)
        {
            if (_trainer is { } trainer) Try(() => Rounds.Add(trainer.Train(seconds)));
        }

        public void Close()
        {
            try
            {
                _trainer?.Dispose();
            }
            catch (AcceleratorException e) // a device that is lost cannot be given back either
            {
                Failure ??= e.Message;
            }
            _trainer = null;
        }

        void Try(Action action)
        {
            try
            {
                action();
            }
            catch (Exception e) when (e is DeviceException or AcceleratorException or ArgumentException or PyTorchException)
            {
                Failure = e.Message;
                Close();
            }
        }
    }

    /// <summary>Contenders that alternate: of one batch size and one precision.</summary>
    sealed record Heat(string Name, IReadOnlyList<Contender> Contenders);

    readonly GpuWorkload _work = GpuWorkload.Asked;
    readonly string _device, _data, _output;
    readonly PyTorch? _eager, _compiled; // apart, so that a compiler that hangs takes nobody with it
    readonly List<Heat> _heats = [];
    readonly List<CheckRow> _runs = [];

    /// <param name="args">A device; a data set of gpu-pictures; a file for the rows of the result; torch_alexnet.py and the network as gpu-network writes it, where there is PyTorch.</param>
    public static int Run(string[] args)
    {
        if (args.Length is not (3 or 5)) return GpuWorkload.Refuse("gpu DEVICE DATA OUT [TORCH_SCRIPT NETWORK]");
        using var speed = new GpuSpeed(args);
        // float32 first: a fault on tensor cores takes the device from this process.
        foreach (var precision in Enum.GetValues<ComputePrecision>())
            foreach (int batch in speed._work.Runs.Select(r => r.Batch)) speed.Alternate(batch, precision);
        foreach (var choice in Choices.Where(c => c.Convolution == ConvolutionMethod.Fast))
            foreach (var run in speed._work.Runs) speed.Train(run, choice);
        return speed._heats.Any(h => Best(h, ours: true) is not null) ? 0 : 1;
    }

    GpuSpeed(string[] args)
    {
        (_device, _data, _output) = (args[0], Path.GetFullPath(args[1]), args[2]);
        if (args.Length == 5) (_eager, _compiled) = (new PyTorch(args[3], args[4], _device), new PyTorch(args[3], args[4], _device));
    }

    /// <summary>Those with fast convolution, as built, are trained with as well; tensor cores, where that says nothing, among them.</summary>
    static readonly GpuOptions[] Choices =
    [
        new(Blas: BlasChoice.Own), new(Blas: BlasChoice.CuBlas), new(ComputePrecision.Tf32, BlasChoice.Own), new(ComputePrecision.Tf32, BlasChoice.CuBlas),
        new(Blas: BlasChoice.Own, Convolution: ConvolutionMethod.Direct), new(Blas: BlasChoice.CuBlas, Convolution: ConvolutionMethod.Direct),
    ];

    void Alternate(int batch, ComputePrecision precision)
    {
        var recipe = _work.Recipe(batch);
        var ours = Choices.Where(c => c.Precision == precision).Select(c => new Contender($"ours, {GpuWorkload.Words(c)}", true, () => ResidentTrainer.Open(recipe, DeviceCatalog.Find(_device, c))));
        var theirs = PyTorchVariants.Where(_ => _eager is not null)
            .Select(v => new Contender(v.Name, false, () => new PyTorchTrainer(v.Word == "compiled" ? _compiled! : _eager!, $"{v.Word}-{GpuWorkload.Word(precision)}", batch)));
        var heat = new Heat($"training, batch {batch}, {GpuWorkload.Word(precision)}", [.. ours, .. theirs]);
        _heats.Add(heat);
        foreach (var contender in heat.Contenders)
        {
            contender.Open();
            Console.WriteLine($"{heat.Name}: {contender.Name}: {contender.Failure ?? "ready"}");
        }
        for (int round = 1; round <= _work.Rounds; round++)
            foreach (var contender in heat.Contenders.Where(c => c.Failure is null))
            {
                contender.Train(_work.RoundSeconds);
                Console.WriteLine($"{heat.Name}, round {round}: {contender.Name}: {contender.Failure ?? Text($"{contender.Rounds[^1].ImagesPerSecond:F1} images/s, loss {contender.Rounds[^1].Loss:F4}")}");
                Report();
            }
        foreach (var contender in heat.Contenders) contender.Close();
        Free(_eager);
        Free(_compiled);
    }

    static void Free(PyTorch? torch)
    {
        try
        {
            torch?.Ask("free", FreeMax);
        }
        catch (PyTorchException e) // its contenders have said so
        {
            Console.WriteLine($"PyTorch: {e.Message}");
        }
    }

    void Train(MeasuredSteps run, GpuOptions choice)
    {
        string name = GpuWorkload.Words(choice);
        try
        {
            _ = DeviceCatalog.Find(_device, choice); // says why not sooner and in a line
            using var training = _work.Train(_data, _device, run.Batch, GpuWorkload.Settings(choice));
            var result = Ours.Json(training.Train(run.Steps, Ours.AsBuilt));
            double speed = Median.Of(training.Steps().Skip(run.WarmSteps).Select(s => s.ImagesPerSecond)), waited = result.GetProperty("dataWaitShare").GetDouble();
            _runs.Add(new($"alexnet train, batch {run.Batch}", name, Text($"{speed:F1} images/s"), Text($"one run, the median of steps {run.WarmSteps + 1} to {run.Steps}; waited {100 * waited:F1} % for data")));
        }
        catch (Exception e) when (e is DeviceException or ArgumentException or InvalidOperationException)
        {
            _runs.Add(new($"alexnet train, batch {run.Batch}", name, "", CheckRow.Why(e)));
        }
        Console.WriteLine(_runs[^1]);
        Report();
    }

    void Report() => CheckTable.Write(_output, [.. _heats.SelectMany(Rows), .. _runs]);

    static IEnumerable<CheckRow> Rows(Heat heat)
    {
        var (ours, theirs) = (Best(heat, ours: true), Best(heat, ours: false));
        foreach (var c in heat.Contenders)
        {
            if (c.Failure is not null && c.Rounds.Count == 0) yield return new(heat.Name, c.Name, "", c.Failure);
            if (c.ImagesPerSecond is not { } speed) continue;
            string ratio = !c.IsOurs && ours?.ImagesPerSecond is { } best ? Text($"best of ours / this {best / speed:F2}; ") : "";
            string failure = c.Failure is null ? "" : $"; then: {c.Failure}";
            yield return new(heat.Name, c.Name, Text($"{speed:F1} images/s"), $"{ratio}rounds {string.Join(", ", c.Rounds.Select(r => Text($"{r.ImagesPerSecond:F1}")))}; loss {Text($"{c.Rounds[^1].Loss:F3}")}{failure}");
        }
        if (ours?.ImagesPerSecond is { } a && theirs?.ImagesPerSecond is { } b)
            yield return new(heat.Name, "best of ours / best of PyTorch", Text($"{a / b:F2}"), $"{ours.Name}; {theirs.Name}");
    }

    static Contender? Best(Heat heat, bool ours) => heat.Contenders.Where(c => c.IsOurs == ours && c.Rounds.Count > 0).MaxBy(c => c.ImagesPerSecond);

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    public void Dispose()
    {
        _eager?.Dispose();
        _compiled?.Dispose();
    }
}
