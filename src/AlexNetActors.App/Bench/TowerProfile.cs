using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>Where one tower's training step spends its time, and what the processor could do meanwhile.</summary>
/// <param name="Passes">Every pass of every layer, in the order of the layers.</param>
/// <param name="Level">Vectors of the processor device; null when there is none among the devices.</param>
/// <param name="ReadRate">Bytes a second read from the processor's memory; null when no device computes there.</param>
/// <param name="ChangeRate">Bytes a second read and written while that memory is changed in place.</param>
sealed record TowerProfile(IReadOnlyList<PassProfile> Passes, SimdLevel? Level, double? ReadRate, double? ChangeRate)
{
    const int RecordMargin = 32; // pixels that a record is larger than the crop, as the paper's 256 and 224

    /// <summary>Floating point operations a second at most, the median of all that were measured; null when none was.</summary>
    public double? Peak => Passes.SelectMany(p => p.Peaks).ToArray() is { Length: > 0 } peaks ? Median.Of(peaks) : null;

    /// <summary>Whether a device computes with the processor's arithmetic and memory, against which passes are held.</summary>
    public static bool OnProcessor(IDevice device) => device is CpuDevice or ReferenceDevice;

    /// <summary>Share of the most bytes a second that memory was seen to give; null for a GPU, whose memory is another.</summary>
    public double? ShareOfMemory(PassProfile pass, IDevice device, int index) =>
        OnProcessor(device) && ReadRate is { } read && ChangeRate is { } change ? pass.Bytes / pass.Seconds(index) / Math.Max(read, change) : null;

    public double Seconds(int device) => Passes.Sum(p => p.Seconds(device));

    /// <summary>Measures a training step of tower A on a batch of noise.</summary>
    /// <param name="recipe">Its network, and the batch.</param>
    /// <param name="devices">One, or several side by side on the same inputs.</param>
    /// <param name="threads">Threads of each device.</param>
    /// <param name="repetitions">Of each operation.</param>
    /// <param name="only">Measures the layers whose names start so.</param>
    /// <param name="tell">Told the layer and the pass that come next.</param>
    public static TowerProfile Measure(Recipe recipe, IReadOnlyList<IDevice> devices, int threads, int repetitions, string only, Action<string> tell)
    {
        SimdLevel? level = devices.OfType<CpuDevice>().FirstOrDefault()?.Level;
        using var yardstick = new Yardstick(threads, level ?? SimdLevels.Best, onClock: !devices.All(OnProcessor));
        bool onProcessor = devices.Any(OnProcessor);
        var before = onProcessor ? yardstick.Memory() : ([], []);
        using var device = new MeasuringDevice(devices, yardstick, repetitions, only, tell);
        RunStep(recipe, device);
        var after = onProcessor ? yardstick.Memory() : ([], []);
        List<string> layers = [MeasuringDevice.InputLayer, .. recipe.Network.Layers.Select(l => l.Name)];
        return new TowerProfile([.. device.Passes.OrderBy(p => layers.IndexOf(p.Layer))], level,
            onProcessor ? Median.Of([.. before.Read, .. after.Read]) : null, onProcessor ? Median.Of([.. before.Change, .. after.Change]) : null);
    }

    static void RunStep(Recipe recipe, MeasuringDevice device)
    {
        int record = recipe.Network.InputSize + RecordMargin;
        var tower = new Tower(recipe.Network, TowerId.A, device, recipe.Batch, recipe.Seed, new float[3 * record * record], training: true);
        foreach (var p in tower.Parameters)
        {
            MeasuringDevice.Label(p.Value, p.Layer.Name);
            MeasuringDevice.Label(p.Gradient!, p.Layer.Name);
        }
        tower.Initialize();
        device.IsMeasuring = true;
        new Pass([tower], new Echo()).Train(new PassId(0, PassKind.Train, 0), Noise(recipe), recipe.DescentAt(recipe.Schedule.InitialRate));
    }

    static Batch Noise(Recipe recipe)
    {
        var batch = new Batch(recipe.Batch, recipe.Network.InputSize);
        new Random(1).NextBytes(batch.Pixels);
        for (int b = 0; b < batch.Size; b++)
        {
            batch.Placements[b] = new Placement(b % (RecordMargin + 1), b * 7 % (RecordMargin + 1), b % 2 == 0);
            batch.Labels[b] = b % recipe.Network.Classes;
        }
        return batch;
    }

    /// <summary>The other tower says what this one said: half the network can run alone.</summary>
    sealed class Echo : ITowerLink
    {
        Portion? _sent;

        public void Send(TowerId from, ExchangeId exchange, Portion portion) => _sent = portion;

        public Portion Receive(TowerId to, ExchangeId exchange) => _sent!;
    }
}
