using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;

namespace AlexNetActors.App;

/// <summary>
/// Runs what a tower asks for on one or more devices in turn and times it: the profile cannot differ from what a tower does. Each operation
/// is run once unmeasured and then repeated, the devices alternating, the processor's peak measured before and after each, as clock speeds
/// and neighbours change. Operations that work in place are repeated too, so that it measures, but does not train.
/// <para>On a GPU a measurement is as many of a short operation as make it long, for launching one and waiting for it costs 10 microseconds.</para>
/// </summary>
/// <param name="devices">Those to measure; the caller keeps ownership.</param>
/// <param name="yardstick">What the times are held against.</param>
/// <param name="repetitions">Of each operation on each device.</param>
/// <param name="only">Measures the layers whose names start so.</param>
/// <param name="tell">Told the layer and the pass that come next.</param>
sealed class MeasuringDevice(IReadOnlyList<IDevice> devices, Yardstick yardstick, int repetitions, string only, Action<string> tell) : IDevice
{
    /// <summary>The layer of the pictures, before the first.</summary>
    public const string InputLayer = "input";

    const double ShortestSeconds = 2e-3; // of a measurement on a GPU
    const int TimesMax = 100;            // an operation runs in it

    readonly bool _onProcessor = devices.Any(TowerProfile.OnProcessor);

    /// <summary>The same tensor on every device, and the layer that it belongs to: an operation is its tensors' layer's.</summary>
    sealed class Copies(Shape shape, Tensor[] copies) : Tensor(shape)
    {
        public string Layer { get; set; } = "";
        public bool IsGradient { get; set; }
        public Tensor this[int device] => copies[device];
        public double Bytes => sizeof(float) * (double)Shape.Count;
    }

    readonly Dictionary<(string Layer, string Pass), PassProfile> _passes = [];
    string _layer = "";

    public string Name => string.Join(',', devices.Select(d => d.Name));

    public string Memory => "measured";

    public int Buffers => devices.Sum(d => d.Buffers);

    /// <summary>Operations are timed; else they are only run.</summary>
    public bool IsMeasuring { get; set; }

    /// <summary>In the order in which they were first run.</summary>
    public IEnumerable<PassProfile> Passes => _passes.Values;

    /// <summary>Tells which layer weights and their gradients belong to.</summary>
    public static void Label(Tensor tensor, string layer) => ((Copies)tensor).Layer = layer;

    public Tensor AllocateActivation(Shape shape) => new Copies(shape, [.. devices.Select(d => d.AllocateActivation(shape))]);

    public Tensor AllocateWeights(Filter filter) => new Copies(filter.WeightsShape, [.. devices.Select(d => d.AllocateWeights(filter))]);

    public Tensor AllocatePlain(Shape shape) => new Copies(shape, [.. devices.Select(d => d.AllocatePlain(shape))]);

    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination)
    {
        var o = (Copies)destination;
        Run(o.Layer, "draw", 0, o.Bytes, (d, n) => d.DrawNormal(random, first, deviation, o[n]));
    }

    public void SendAhead(byte[] pixels) { }

    public void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output)
    {
        var (m, o) = ((Copies)mean, (Copies)output);
        var (crops, places, shifts) = (pixels.ToArray(), placements.ToArray(), colourShift.ToArray());
        o.Layer = InputLayer;
        Run(o.Layer, "load crops", 0, crops.Length + m.Bytes + o.Bytes, (d, n) => d.LoadCrops(crops, places, shifts, m[n], o[n]));
    }

    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output)
    {
        var (i, w, b, o) = ((Copies)input, (Copies)weights, (Copies)bias, (Copies)output);
        o.Layer = w.Layer;
        Run(o.Layer, "forward", Flop(filter, i), i.Bytes + w.Bytes + o.Bytes, (d, n) => d.Convolve(i[n], w[n], b[n], filter, rectify, o[n]));
    }

    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput)
    {
        var (dO, w, dI) = ((Copies)dOutput, (Copies)weights, (Copies)dInput);
        (dI.Layer, dI.IsGradient) = (w.Layer, true);
        Run(w.Layer, "backward input", Flop(filter, dO), dO.Bytes + w.Bytes + dI.Bytes, (d, n) => d.ConvolveBackwardInput(dO[n], w[n], filter, dI[n]));
    }

    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias)
    {
        var (i, dO, dW, dB) = ((Copies)input, (Copies)dOutput, (Copies)dWeights, (Copies)dBias);
        Run(dW.Layer, "backward weights", Flop(filter, i), i.Bytes + dO.Bytes + dW.Bytes, (d, n) => d.ConvolveBackwardWeights(i[n], dO[n], filter, dW[n], dB[n]));
    }

    public void RectifyBackward(Tensor output, Tensor dOutput)
    {
        var (o, dO) = ((Copies)output, (Copies)dOutput);
        Run(o.Layer, "rectifier backward", 0, o.Bytes + 2 * dO.Bytes, (d, n) => d.RectifyBackward(o[n], dO[n]));
    }

    public void Normalize(Tensor input, LocalResponse response, Tensor output)
    {
        var (i, o) = ((Copies)input, (Copies)output);
        o.Layer = i.Layer;
        Run(i.Layer, "normalize", 0, i.Bytes + o.Bytes, (d, n) => d.Normalize(i[n], response, o[n]));
    }

    public void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse response, Tensor dInput)
    {
        var (i, dO, dI) = ((Copies)input, (Copies)dOutput, (Copies)dInput);
        Run(i.Layer, "normalize backward", 0, i.Bytes + dO.Bytes + dI.Bytes, (d, n) => d.NormalizeBackward(i[n], dO[n], response, dI[n]));
    }

    public void MaxPool(Tensor input, int size, int stride, Tensor output)
    {
        var (i, o) = ((Copies)input, (Copies)output);
        o.Layer = i.Layer;
        Run(i.Layer, "pool", 0, i.Bytes + o.Bytes, (d, n) => d.MaxPool(i[n], size, stride, o[n]));
    }

    public void MaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, int size, int stride, Tensor dInput)
    {
        var (i, o, dO, dI) = ((Copies)input, (Copies)output, (Copies)dOutput, (Copies)dInput);
        Run(i.Layer, "pool backward", 0, i.Bytes + o.Bytes + dO.Bytes + dI.Bytes, (d, n) => d.MaxPoolBackward(i[n], o[n], dO[n], size, stride, dI[n]));
    }

    public void NormalizeMaxPool(Tensor input, LocalResponse response, int size, int stride, Tensor output)
    {
        var (i, o) = ((Copies)input, (Copies)output);
        o.Layer = i.Layer;
        Run(i.Layer, "normalize and pool", 0, i.Bytes + o.Bytes, (d, n) => d.NormalizeMaxPool(i[n], response, size, stride, o[n]));
    }

    public void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput)
    {
        var (i, o, dO, dI) = ((Copies)input, (Copies)output, (Copies)dOutput, (Copies)dInput);
        Run(i.Layer, "normalize and pool backward", 0, i.Bytes + o.Bytes + dO.Bytes + dI.Bytes, (d, n) => d.NormalizeMaxPoolBackward(i[n], o[n], dO[n], response, size, stride, dI[n]));
    }

    public void Dropout(Philox random, double rate, int firstFeature, Tensor activation)
    {
        var a = (Copies)activation;
        Run(a.Layer, "dropout", 0, 2 * a.Bytes, (d, n) => d.Dropout(random, rate, firstFeature, a[n]));
    }

    public void Scale(float factor, Tensor activation)
    {
        var a = (Copies)activation;
        Run(a.Layer, "scale", 0, 2 * a.Bytes, (d, n) => d.Scale(factor, a[n]));
    }

    public void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights)
    {
        var (g, v, w) = ((Copies)gradient, (Copies)velocity, (Copies)weights);
        Run(w.Layer, "descend", 0, g.Bytes + 2 * v.Bytes + 2 * w.Bytes, (d, n) => d.Descend(g[n], rate, momentum, decay, v[n], w[n]));
    }

    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> values, ChannelOrder order = ChannelOrder.Canonical)
    {
        var s = (Copies)source;
        var read = new float[values.Length];
        Run(s.Layer, Exchange(s), 0, 2 * Bytes(values), (d, n) => d.ReadChannels(s[n], firstChannel, channels, read, order));
        read.CopyTo(values);
    }

    public void WriteChannels(ReadOnlySpan<float> values, int firstChannel, int channels, Tensor destination, ChannelOrder order = ChannelOrder.Canonical)
    {
        var (written, o) = (values.ToArray(), (Copies)destination);
        Run(o.Layer, Exchange(o), 0, 2 * Bytes(values), (d, n) => d.WriteChannels(written, firstChannel, channels, o[n], order));
    }

    public void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        var (s, o) = ((Copies)source, (Copies)destination);
        (o.Layer, o.IsGradient) = (s.Layer, s.IsGradient);
        Run(s.Layer, Exchange(s), 0, 2 * s.Bytes * channels / s.Shape.Channels, (d, n) => d.CopyChannels(s[n], sourceChannel, channels, o[n], destinationChannel));
    }

    public void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        var (s, o) = ((Copies)source, (Copies)destination);
        (o.Layer, o.IsGradient) = (s.Layer, s.IsGradient);
        Run(s.Layer, Exchange(s), 0, 3 * s.Bytes * channels / s.Shape.Channels, (d, n) => d.AddChannels(s[n], sourceChannel, channels, o[n], destinationChannel));
    }

    /// <summary>In a pass only the loss writes a whole tensor: the gradient by the outputs of the layer that was last computed.</summary>
    public void Write(ReadOnlySpan<float> canonical, Tensor destination)
    {
        var (values, o) = (canonical.ToArray(), (Copies)destination);
        Run(_layer, "loss gradient", 0, 2 * o.Bytes, (d, n) => d.Write(values, o[n]));
    }

    public void Read(Tensor source, Span<float> canonical)
    {
        var s = (Copies)source;
        var values = new float[canonical.Length];
        Run(s.Layer, "read", 0, 2 * s.Bytes, (d, n) => d.Read(s[n], values));
        values.CopyTo(canonical);
    }

    /// <summary>It does not train: what repetition makes of the numbers is of no account.</summary>
    public bool AreFinite(ReadOnlySpan<Tensor> plain) => true;

    public void Synchronize()
    {
        foreach (var device in devices) device.Synchronize();
    }

    public void Dispose() { }

    /// <summary>The halves of a layer's output meet forward, the parts of the gradient by its input backward.</summary>
    static string Exchange(Copies tensor) => tensor.IsGradient ? "gradient sum" : "gather";

    static double Bytes(ReadOnlySpan<float> values) => sizeof(float) * (double)values.Length;

    /// <summary>Of the direct algorithm. Taps that fall on padding are left out.</summary>
    static double Flop(Filter f, Tensor images)
    {
        double rows = 0, columns = 0;
        for (int y = 0; y < f.OutputHeight; y++) rows += Math.Min(f.SizeY, f.Height + f.Pad - y * f.Stride) - Math.Max(0, f.Pad - y * f.Stride);
        for (int x = 0; x < f.OutputWidth; x++) columns += Math.Min(f.SizeX, f.Width + f.Pad - x * f.Stride) - Math.Max(0, f.Pad - x * f.Stride);
        return 2 * rows * columns * f.Channels * f.Kernels * images.Shape.Images;
    }

    void Run(string layer, string pass, double flop, double bytes, Action<IDevice, int> operation)
    {
        void On(int device, int times)
        {
            for (int n = 0; n < times; n++) operation(devices[device], device);
            devices[device].Synchronize();
        }
        _layer = layer;
        for (int n = 0; n < devices.Count; n++) On(n, 1);
        if (!IsMeasuring || !layer.StartsWith(only, StringComparison.Ordinal)) return;
        tell($"{layer} {pass}");
        Measure(Profile(layer, pass), flop, bytes, On);
    }

    PassProfile Profile(string layer, string pass) =>
        _passes.TryGetValue((layer, pass), out var found) ? found : _passes[(layer, pass)] = new PassProfile(layer, pass, devices.Count, repetitions);

    void Measure(PassProfile profile, double flop, double bytes, Action<int, int> on)
    {
        profile.AddWork(flop, bytes);
        int[] times = [.. devices.Select((d, n) => TowerProfile.OnProcessor(d) ? 1 : Math.Clamp((int)(ShortestSeconds / yardstick.Seconds(() => on(n, 1))), 1, TimesMax))];
        double Peak() => flop > 0 && _onProcessor ? yardstick.Peak() : double.NaN;
        double before = Peak();
        for (int repetition = 0; repetition < repetitions; repetition++)
            for (int n = 0; n < devices.Count; n++)
            {
                double seconds = yardstick.Seconds(() => on(n, times[n])) / times[n];
                double after = Peak();
                profile.AddTime(n, repetition, seconds, devices[n] is CpuDevice ? (before + after) / 2 : double.NaN);
                before = after;
            }
    }
}
