using System.Diagnostics;
using System.Runtime.CompilerServices;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// Time of every layer and pass of one tower of AlexNet on the CPU, and its share of what the processor can do: the rate of a loop of
/// nothing but multiply-adds, measured right before and after each repetition, as clock speeds and neighbours change.
/// <code>dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- layers [threads] [images] [repetitions] [only names that start so]</code>
/// </summary>
internal static unsafe class CpuLayers
{
    static readonly (string Name, Filter Filter)[] Layers =
    [
        ("conv1", Filter.Convolution(3, 224, 224, 48, 11, 4, 2)),
        ("conv2", Filter.Convolution(48, 27, 27, 128, 5, 1, 2)),
        ("conv3", Filter.Convolution(256, 13, 13, 192, 3, 1, 1)),
        ("conv4", Filter.Convolution(192, 13, 13, 192, 3, 1, 1)),
        ("conv5", Filter.Convolution(192, 13, 13, 128, 3, 1, 1)),
        ("fc6", Filter.FullyConnected(256, 6, 6, 2048)),
        ("fc7", Filter.FullyConnected(4096, 1, 1, 2048)),
        ("fc8", Filter.FullyConnected(4096, 1, 1, 500)),
    ];

    public static int Run(string[] args)
    {
        int threads = args.Length > 0 ? int.Parse(args[0]) : 1, images = args.Length > 1 ? int.Parse(args[1]) : 128;
        int repetitions = args.Length > 2 ? int.Parse(args[2]) : 5;
        string only = args.Length > 3 ? args[3] : "";
        using var device = new CpuDevice(threads);
        Console.WriteLine($"{device.Level}, {threads} thread(s), batch {images}, one tower; median of {repetitions}; peak of {threads} thread(s) measured next to each");
        Console.WriteLine($"{"",-28}{"ms",9}{"GFLOP/s",10}{"of peak",9}");
        double total = 0;
        foreach (var (name, filter) in Layers.Where(layer => layer.Name.StartsWith(only)))
        {
            using var d = new CpuDevice(threads);
            double flops = 2.0 * ValidTaps(filter) * filter.Channels * filter.Kernels * images;
            Tensor x = Filled(d, d.AllocateActivation(filter.InputShape(images)), 1), y = d.AllocateActivation(filter.OutputShape(images));
            Tensor dY = Filled(d, d.AllocateActivation(filter.OutputShape(images)), 2), w = Filled(d, d.AllocateWeights(filter), 3);
            Tensor dW = d.AllocateWeights(filter), v = d.AllocateWeights(filter), bias = d.AllocatePlain(new(1, filter.Kernels, 1, 1)), dBias = d.AllocatePlain(new(1, filter.Kernels, 1, 1));
            total += Report(d, $"{name} forward", flops, repetitions, () => d.Convolve(x, w, bias, filter, true, y));
            if (name != "conv1")
            {
                var dX = d.AllocateActivation(filter.InputShape(images));
                total += Report(d, $"{name} backward input", flops, repetitions, () => d.ConvolveBackwardInput(dY, w, filter, dX));
            }
            total += Report(d, $"{name} backward weights", flops, repetitions, () => d.ConvolveBackwardWeights(x, dY, filter, dW, dBias));
            total += Report(d, $"{name} rectifier backward", 0, repetitions, () => d.RectifyBackward(y, dY));
            total += Report(d, $"{name} descend", 0, repetitions, () => d.Descend(dW, 1e-6f, 0.9f, 5e-4f, v, w));
        }
        if (only != "") return 0;
        foreach (var (name, shape) in new[] { ("1", new Shape(images, 48, 55, 55)), ("2", new Shape(images, 128, 27, 27)), ("5", new Shape(images, 128, 13, 13)) })
        {
            using var d = new CpuDevice(threads);
            var pooled = shape with { Height = (shape.Height - 3) / 2 + 1, Width = (shape.Width - 3) / 2 + 1 };
            Tensor x = Filled(d, d.AllocateActivation(shape), 1), y = d.AllocateActivation(shape), dX = d.AllocateActivation(shape);
            Tensor p = d.AllocateActivation(pooled), dP = Filled(d, d.AllocateActivation(pooled), 2);
            if (name != "5")
            {
                total += Report(d, $"norm{name} forward", 0, repetitions, () => d.Normalize(x, LocalResponse.Paper, y));
                total += Report(d, $"norm{name} backward", 0, repetitions, () => d.NormalizeBackward(x, y, LocalResponse.Paper, dX));
            }
            total += Report(d, $"pool{name} forward", 0, repetitions, () => d.MaxPool(x, 3, 2, p));
            total += Report(d, $"pool{name} backward", 0, repetitions, () => d.MaxPoolBackward(x, p, dP, 3, 2, dX));
        }
        using (var d = new CpuDevice(threads))
        {
            var a = Filled(d, d.AllocateActivation(new(images, 2048, 1, 1)), 1);
            total += Report(d, "dropout, one layer", 0, repetitions, () => d.Dropout(new Philox(1, Purpose.Dropout, 6, 1), 0.5, 0, a));
            var (output, mean) = (d.AllocateActivation(new(images, 3, 224, 224)), d.AllocatePlain(new(1, 256, 256, 3)));
            byte[] pixels = new byte[images * 224 * 224 * 3];
            var placements = Enumerable.Range(0, images).Select(b => new Placement(b % 32, b % 31, b % 2 == 0)).ToArray();
            float[] shifts = new float[images * 3];
            total += Report(d, "load crops", 0, repetitions, () => d.LoadCrops(pixels, placements, shifts, mean, output));
            var half = d.AllocateActivation(new(images, 128, 13, 13));
            float[] canonical = new float[half.Shape.Count];
            total += Report(d, "exchange conv3, read", 0, repetitions, () => d.Read(half, canonical));
            total += Report(d, "exchange conv3, write", 0, repetitions, () => d.Write(canonical, half));
        }
        Console.WriteLine($"{"one tower, sum",-28}{total * 1e3,9:F1}   two towers on {2 * threads} cores: {images / total:F1} images/s");
        return 0;
    }

    static double Report(CpuDevice device, string name, double flops, int repetitions, Action pass)
    {
        pass();
        double[] times = new double[repetitions], shares = new double[repetitions];
        double before = Peak(device);
        for (int i = 0; i < repetitions; i++)
        {
            times[i] = Seconds(device, pass);
            double after = Peak(device);
            shares[i] = flops / times[i] / ((before + after) / 2);
            before = after;
        }
        Array.Sort(times);
        Array.Sort(shares);
        double median = times[repetitions / 2];
        Console.WriteLine(flops == 0 ? $"{name,-28}{median * 1e3,9:F2}" : $"{name,-28}{median * 1e3,9:F2}{flops / median / 1e9,10:F1}{shares[repetitions / 2],9:P1}");
        return median;
    }

    /// <summary>Of one thread, processor time: a busy machine's neighbours do not count. Of several, time on the clock.</summary>
    static double Seconds(CpuDevice device, Action action)
    {
        var (clock, processor) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        action();
        return device.Threads == 1 ? (Environment.CpuUsage.TotalTime - processor).TotalSeconds : Stopwatch.GetElapsedTime(clock).TotalSeconds;
    }

    /// <summary>Taps of all outputs of one kernel and channel that fall on the input: padding is not multiplied.</summary>
    static double ValidTaps(Filter f)
    {
        double rows = 0, columns = 0;
        for (int y = 0; y < f.OutputHeight; y++) rows += Math.Min(f.SizeY, f.Height + f.Pad - y * f.Stride) - Math.Max(0, f.Pad - y * f.Stride);
        for (int x = 0; x < f.OutputWidth; x++) columns += Math.Min(f.SizeX, f.Width + f.Pad - x * f.Stride) - Math.Max(0, f.Pad - x * f.Stride);
        return rows * columns;
    }

    static double Peak(CpuDevice device)
    {
        const int Steps = 400_000;
        float* sink = stackalloc float[16 * device.Threads];
        using var team = new ThreadTeam(device.Threads, device.Level, "peak");
        team.Run(new MultiplyAdds { Steps = 1000, Sink = sink });
        double seconds = Seconds(device, () => team.Run(new MultiplyAdds { Steps = Steps, Sink = sink }));
        return 2.0 * 12 * (int)device.Level / 32 * Steps * device.Threads / seconds;
    }

    /// <summary>Twelve independent chains of multiply-adds on registers.</summary>
    struct MultiplyAdds : IWork
    {
        public int Steps;
        public float* Sink;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
        {
            TVector a = TVector.Broadcast(1e-6f), b = TVector.Broadcast(0.999f);
            TVector c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
            for (int i = 0; i < Steps; i++)
            {
                c0 = TVector.MultiplyAdd(c0, b, a);
                c1 = TVector.MultiplyAdd(c1, b, a);
                c2 = TVector.MultiplyAdd(c2, b, a);
                c3 = TVector.MultiplyAdd(c3, b, a);
                c4 = TVector.MultiplyAdd(c4, b, a);
                c5 = TVector.MultiplyAdd(c5, b, a);
                c6 = TVector.MultiplyAdd(c6, b, a);
                c7 = TVector.MultiplyAdd(c7, b, a);
                c8 = TVector.MultiplyAdd(c8, b, a);
                c9 = TVector.MultiplyAdd(c9, b, a);
                c10 = TVector.MultiplyAdd(c10, b, a);
                c11 = TVector.MultiplyAdd(c11, b, a);
            }
            TVector.Store(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11, Sink + part * 16);
        }
    }

    static Tensor Filled(CpuDevice device, Tensor tensor, int seed)
    {
        float[] values = new float[tensor.Shape.Count];
        var random = new Philox((ulong)seed, Purpose.Weights, 0, 0);
        for (int n = 0; n < values.Length; n++) values[n] = (int)random.Word((ulong)n) * (1f / (1L << 31));
        device.Write(values, tensor);
        return tensor;
    }
}
