using System.Diagnostics;
using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Benchmarks;

/// <summary>What a trainer reached in a round.</summary>
readonly record struct TrainedRound(double ImagesPerSecond, double Loss);

/// <summary>Trains the network on one batch that lies ready, whenever it is asked to.</summary>
interface ITrainer : IDisposable
{
    /// <summary>A few steps that do not count, then as many as last so long.</summary>
    TrainedRound Train(double seconds);
}

/// <summary>Ours, both towers on one device and one thread: the batch lies in the host's memory as 8-bit crops, so what a step needs still moves.</summary>
sealed class ResidentTrainer : ITrainer
{
    const int WarmSteps = 2, StepsMin = 3;
    const float Rate = 1e-6f; // as PyTorch's here: a batch that never changes must not change what kind of numbers there are

    readonly IDevice _device;
    readonly Recipe _recipe;
    readonly Pass _pass;
    readonly Batch _batch;
    long _step;

    /// <param name="recipe">Its network and batch.</param>
    /// <param name="entry">The device to open for it.</param>
    /// <exception cref="DeviceException">It does not open, or has not the memory.</exception>
    public static ResidentTrainer Open(Recipe recipe, DeviceEntry entry)
    {
        var device = entry.Open(1);
        try
        {
            return new ResidentTrainer(recipe, device);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    ResidentTrainer(Recipe recipe, IDevice device)
    {
        (_recipe, _device, _batch) = (recipe, device, Noise(recipe));
        var mean = new float[3 * recipe.Network.InputSize * recipe.Network.InputSize];
        mean.AsSpan().Fill(127.5f);
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(recipe.Network, id, device, recipe.Batch, recipe.Seed, mean, training: true))];
        foreach (var tower in towers) tower.Initialize();
        _pass = new Pass(towers, new LocalLink());
    }

    public TrainedRound Train(double seconds)
    {
        Steps(WarmSteps);
        int steps = Math.Max(StepsMin, (int)Math.Ceiling(seconds / Steps(1).Seconds));
        var (took, loss) = Steps(steps);
        return new TrainedRound(steps * _recipe.Batch / took, loss);
    }

    (double Seconds, double Loss) Steps(int count)
    {
        long start = Stopwatch.GetTimestamp();
        double loss = 0;
        for (int n = 0; n < count; n++) loss = _pass.Train(new PassId(0, PassKind.Train, _step++), _batch, _recipe.DescentAt(Rate), () => _batch).Score.Loss; // the next one travels while a step ends
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, loss);
    }

    static Batch Noise(Recipe recipe)
    {
        var batch = new Batch(recipe.Batch, recipe.Network.InputSize);
        new Random(1).NextBytes(batch.Pixels);
        for (int b = 0; b < batch.Size; b++) batch.Labels[b] = b % recipe.Network.Classes;
        return batch;
    }

    public void Dispose() => _device.Dispose();
}

/// <summary>One of PyTorch's ways, in its process; the batch lies on the device as float32, and its loss is read after the last step only.</summary>
sealed class PyTorchTrainer : ITrainer
{
    static readonly TimeSpan FirstMax = TimeSpan.FromSeconds(60), RoundMax = TimeSpan.FromSeconds(20);

    readonly PyTorch _torch;
    readonly string _words;

    /// <param name="torch">Its process.</param>
    /// <param name="variant">"nhwc-tf32": torch_alexnet.py lists them.</param>
    /// <param name="batch">Images.</param>
    public PyTorchTrainer(PyTorch torch, string variant, int batch)
    {
        (_torch, _words) = (torch, $"train {variant} {batch}");
        _torch.Ask($"{_words} 0", FirstMax);
    }

    public TrainedRound Train(double seconds)
    {
        var answer = _torch.Ask(FormattableString.Invariant($"{_words} {seconds}"), RoundMax);
        return new TrainedRound(answer.GetProperty("imagesPerSecond").GetDouble(), answer.GetProperty("loss") is { ValueKind: System.Text.Json.JsonValueKind.Number } loss ? loss.GetDouble() : double.NaN);
    }

    /// <summary>Its network stays in the process until that is asked to free all.</summary>
    public void Dispose() { }
}
