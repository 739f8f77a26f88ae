namespace AlexNetActors.Compute;

/// <summary>
/// Slow, obvious and obviously right: the definition of every operation of <see cref="IDevice"/>. Every tensor lies in canonical
/// order, every sum runs in float64 and is rounded once.
/// </summary>
public sealed class ReferenceDevice : IDevice
{
    sealed class Values(Shape shape) : Tensor(shape)
    {
        public readonly float[] Data = new float[shape.Count];

        public ref float this[int b, int c, int y, int x] => ref Data[((b * Shape.Channels + c) * Shape.Height + y) * Shape.Width + x];
    }

    public string Name => "reference";
    public string Memory => "reference";

    public int Buffers { get; private set; }

    public Tensor AllocateActivation(Shape shape) => AllocatePlain(shape);
    public Tensor AllocateWeights(Filter filter) => AllocatePlain(filter.WeightsShape);

    public Tensor AllocatePlain(Shape shape)
    {
        Buffers++;
        return new Values(shape);
    }

    public void WriteChannels(ReadOnlySpan<float> values, int firstChannel, int channels, Tensor destination, ChannelOrder order = ChannelOrder.Canonical)
    {
        var d = Of(destination);
        int plane = d.Shape.Height * d.Shape.Width;
        for (int b = 0; b < d.Shape.Images; b++)
            values.Slice(b * channels * plane, channels * plane).CopyTo(d.Data.AsSpan((b * d.Shape.Channels + firstChannel) * plane));
    }

    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> values, ChannelOrder order = ChannelOrder.Canonical)
    {
        var s = Of(source);
        int plane = s.Shape.Height * s.Shape.Width;
        for (int b = 0; b < s.Shape.Images; b++)
            s.Data.AsSpan((b * s.Shape.Channels + firstChannel) * plane, channels * plane).CopyTo(values[(b * channels * plane)..]);
    }

    public void Write(ReadOnlySpan<float> canonical, Tensor destination) => canonical.CopyTo(Of(destination).Data);
    public void Read(Tensor source, Span<float> canonical) => Of(source).Data.CopyTo(canonical);

    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination) => random.FillNormal(first, deviation, Of(destination).Data);

    public void SendAhead(byte[] pixels) { }

    public void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output)
    {
        var (B, _, H, W) = output.Shape;
        var m = Of(mean);
        var o = Of(output);
        for (int b = 0; b < B; b++)
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++)
                    for (int c = 0; c < 3; c++)
                    {
                        var p = placements[b];
                        int left = p.Left + (p.Mirrored ? W - 1 - x : x);
                        float under = m.Data[((p.Top + y) * m.Shape.Height + left) * 3 + c];
                        o[b, c, y, x] = pixels[((b * H + y) * W + x) * 3 + c] - under + colourShift[b * 3 + c];
                    }
    }

    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter f, bool rectify, Tensor output)
    {
        var (i, w, o, z) = (Of(input), Of(weights), Of(output), Of(bias));
        for (int b = 0; b < i.Shape.Images; b++)
            for (int k = 0; k < f.Kernels; k++)
                for (int y = 0; y < f.OutputHeight; y++)
                    for (int x = 0; x < f.OutputWidth; x++)
                    {
                        double sum = z.Data[k];
                        foreach (var (r, s, iy, ix) in Taps(f, y, x))
                            for (int c = 0; c < f.Channels; c++)
                                sum += (double)w[k, c, r, s] * i[b, c, iy, ix];
                        o[b, k, y, x] = rectify ? Math.Max(0, (float)sum) : (float)sum;
                    }
    }

    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter f, Tensor dInput)
    {
        var (dO, w, dI) = (Of(dOutput), Of(weights), Of(dInput));
        var sum = new double[dI.Data.Length];
        for (int b = 0; b < dI.Shape.Images; b++)
            for (int k = 0; k < f.Kernels; k++)
                for (int y = 0; y < f.OutputHeight; y++)
                    for (int x = 0; x < f.OutputWidth; x++)
                        foreach (var (r, s, iy, ix) in Taps(f, y, x))
                            for (int c = 0; c < f.Channels; c++)
                                sum[((b * f.Channels + c) * f.Height + iy) * f.Width + ix] += (double)w[k, c, r, s] * dO[b, k, y, x];
        Round(sum, dI);
    }

    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter f, Tensor dWeights, Tensor dBias)
    {
        var (i, dO, dW, dB) = (Of(input), Of(dOutput), Of(dWeights), Of(dBias));
        var sum = new double[dW.Data.Length];
        var biasSum = new double[f.Kernels];
        for (int b = 0; b < i.Shape.Images; b++)
            for (int k = 0; k < f.Kernels; k++)
                for (int y = 0; y < f.OutputHeight; y++)
                    for (int x = 0; x < f.OutputWidth; x++)
                    {
                        double d = dO[b, k, y, x];
                        biasSum[k] += d;
                        foreach (var (r, s, iy, ix) in Taps(f, y, x))
                            for (int c = 0; c < f.Channels; c++)
                                sum[((k * f.Channels + c) * f.SizeY + r) * f.SizeX + s] += d * i[b, c, iy, ix];
                    }
        Round(sum, dW);
        Round(biasSum, dB);
    }

    public void RectifyBackward(Tensor output, Tensor dOutput)
    {
        var (o, d) = (Of(output), Of(dOutput));
        for (int n = 0; n < o.Data.Length; n++) if (!(o.Data[n] > 0)) d.Data[n] = 0;
    }

    public void Normalize(Tensor input, LocalResponse lrn, Tensor output)
    {
        var (i, o) = (Of(input), Of(output));
        foreach (var (b, c, y, x) in Elements(i.Shape))
            o[b, c, y, x] = (float)(i[b, c, y, x] * Math.Pow(Denominator(i, lrn, b, c, y, x), -LocalResponse.Beta));
    }

    public void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse lrn, Tensor dInput)
    {
        // da_c = db_c * d_c^-beta - 2 alpha beta a_c * sum over the windows that hold c of db_j a_j d_j^(-beta - 1)
        var (i, dO, dI) = (Of(input), Of(dOutput), Of(dInput));
        int half = lrn.Window / 2;
        foreach (var (b, c, y, x) in Elements(i.Shape))
        {
            double sum = 0;
            for (int j = Math.Max(0, c - half); j <= Math.Min(i.Shape.Channels - 1, c + half); j++)
                sum += dO[b, j, y, x] * (double)i[b, j, y, x] * Math.Pow(Denominator(i, lrn, b, j, y, x), -LocalResponse.Beta - 1);
            dI[b, c, y, x] = (float)(dO[b, c, y, x] * Math.Pow(Denominator(i, lrn, b, c, y, x), -LocalResponse.Beta)
                - 2.0 * lrn.Alpha * LocalResponse.Beta * i[b, c, y, x] * sum);
        }
    }

    static double Denominator(Values a, LocalResponse lrn, int b, int c, int y, int x)
    {
        int half = lrn.Window / 2;
        double sum = 0;
        for (int j = Math.Max(0, c - half); j <= Math.Min(a.Shape.Channels - 1, c + half); j++)
            sum += (double)a[b, j, y, x] * a[b, j, y, x];
        return lrn.K + (double)lrn.Alpha * sum;
    }

    public void MaxPool(Tensor input, int size, int stride, Tensor output)
    {
        var (i, o) = (Of(input), Of(output));
        foreach (var (b, c, y, x) in Elements(o.Shape))
        {
            float max = float.NegativeInfinity;
            for (int r = 0; r < size; r++)
                for (int s = 0; s < size; s++)
                    max = Math.Max(max, i[b, c, y * stride + r, x * stride + s]);
            o[b, c, y, x] = max;
        }
    }

    public void MaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, int size, int stride, Tensor dInput)
    {
        var (i, o, dO, dI) = (Of(input), Of(output), Of(dOutput), Of(dInput));
        var sum = new double[dI.Data.Length];
        foreach (var (b, c, y, x) in Elements(o.Shape))
        {
            int first = -1;
            for (int n = size * size - 1; n >= 0; n--)
                if (i[b, c, y * stride + n / size, x * stride + n % size] == o[b, c, y, x]) first = n;
            if (first < 0) continue; // a NaN has no maximum
            sum[((b * i.Shape.Channels + c) * i.Shape.Height + y * stride + first / size) * i.Shape.Width + x * stride + first % size] += dO[b, c, y, x];
        }
        Round(sum, dI);
    }

    public void NormalizeMaxPool(Tensor input, LocalResponse response, int size, int stride, Tensor output)
    {
        var normalized = AllocateActivation(input.Shape);
        Normalize(input, response, normalized);
        MaxPool(normalized, size, stride, output);
    }

    public void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput)
    {
        Tensor normalized = AllocateActivation(input.Shape), dNormalized = AllocateActivation(input.Shape);
        Normalize(input, response, normalized);
        MaxPoolBackward(normalized, output, dOutput, size, stride, dNormalized);
        NormalizeBackward(input, dNormalized, response, dInput);
        RectifyBackward(input, dInput);
    }

    public void Dropout(Philox random, double rate, int firstFeature, Tensor activation)
    {
        var a = Of(activation);
        var (B, C, _, _) = a.Shape;
        ulong threshold = (ulong)(rate * (1L << 32));
        for (int b = 0; b < B; b++)
            for (int c = 0; c < C; c++)
                if (random.Word((ulong)(firstFeature + c) * (ulong)B + (ulong)b) < threshold) a[b, c, 0, 0] = 0;
    }

    public void Scale(float factor, Tensor activation)
    {
        foreach (ref float v in Of(activation).Data.AsSpan()) v *= factor;
    }

    public void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        var s = Of(source);
        foreach (var (b, c, y, x) in Elements(s.Shape with { Channels = channels }))
            Of(destination)[b, destinationChannel + c, y, x] = s[b, sourceChannel + c, y, x];
    }

    public void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        var s = Of(source);
        foreach (var (b, c, y, x) in Elements(s.Shape with { Channels = channels }))
            Of(destination)[b, destinationChannel + c, y, x] += s[b, sourceChannel + c, y, x];
    }

    public void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights)
    {
        var (g, v, w) = (Of(gradient).Data, Of(velocity).Data, Of(weights).Data);
        for (int n = 0; n < w.Length; n++)
        {
            v[n] = (float)((double)momentum * v[n] - (double)decay * rate * w[n] - (double)rate * g[n]);
            w[n] += v[n];
        }
    }

    public bool AreFinite(ReadOnlySpan<Tensor> plain)
    {
        foreach (var tensor in plain)
            if (!Finite.All(Of(tensor).Data)) return false;
        return true;
    }

    public void Synchronize() { }
    public void Dispose() { }

    /// <summary>The taps (r, s) of a filter at output (y, x) that fall on the input, and where: padding is never multiplied.</summary>
    static IEnumerable<(int R, int S, int Y, int X)> Taps(Filter f, int y, int x)
    {
        for (int r = 0; r < f.SizeY; r++)
            for (int s = 0; s < f.SizeX; s++)
            {
                int iy = y * f.Stride - f.Pad + r, ix = x * f.Stride - f.Pad + s;
                if (iy >= 0 && iy < f.Height && ix >= 0 && ix < f.Width) yield return (r, s, iy, ix);
            }
    }

    static IEnumerable<(int B, int C, int Y, int X)> Elements(Shape shape)
    {
        for (int b = 0; b < shape.Images; b++)
            for (int c = 0; c < shape.Channels; c++)
                for (int y = 0; y < shape.Height; y++)
                    for (int x = 0; x < shape.Width; x++)
                        yield return (b, c, y, x);
    }

    static void Round(double[] sum, Values destination)
    {
        for (int n = 0; n < sum.Length; n++) destination.Data[n] = (float)sum[n];
    }

    static Values Of(Tensor tensor) => (Values)tensor;
}
