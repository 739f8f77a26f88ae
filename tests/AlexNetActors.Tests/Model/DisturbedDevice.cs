using AlexNetActors.Compute;

namespace AlexNetActors.Tests.Model;

/// <summary>The operations after which a device can be disturbed.</summary>
enum Operation : byte { Convolve, ConvolveBackwardInput, ConvolveBackwardWeights }

/// <summary>A device that is disturbed after one kind of operation.</summary>
/// <param name="inner">What computes; the caller keeps ownership.</param>
/// <param name="operation">After which; of the gradients by weights and biases, that by the biases is its result.</param>
/// <param name="disturb">Told the how-manieth operation of this kind it was, from 0, the weights that it was called with, and its result.</param>
sealed class DisturbedDevice(IDevice inner, Operation operation, Action<long, Tensor, Tensor> disturb) : IDevice
{
    readonly long[] _calls = new long[Enum.GetValues<Operation>().Length];

    /// <summary>One whose results become NaN: all values, for one alone may fall where the rectifier lets no gradient through and harm nobody.</summary>
    public static DisturbedDevice Poisoned(IDevice inner, Operation operation, Func<long, Tensor, bool> which) => new(inner, operation, (call, weights, result) =>
    {
        if (!which(call, weights)) return;
        var values = new float[result.Shape.Count];
        Array.Fill(values, float.NaN);
        if (operation == Operation.ConvolveBackwardWeights) inner.Write(values, result);
        else inner.WriteChannels(values, 0, result.Shape.Channels, result);
    });

    void After(Operation of, Tensor weights, Tensor result)
    {
        long call = _calls[(int)of]++;
        if (of == operation) disturb(call, weights, result);
    }

    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output)
    {
        inner.Convolve(input, weights, bias, filter, rectify, output);
        After(Operation.Convolve, weights, output);
    }

    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput)
    {
        inner.ConvolveBackwardInput(dOutput, weights, filter, dInput);
        After(Operation.ConvolveBackwardInput, weights, dInput);
    }

    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias)
    {
        inner.ConvolveBackwardWeights(input, dOutput, filter, dWeights, dBias);
        After(Operation.ConvolveBackwardWeights, dWeights, dBias);
    }

    public string Name => inner.Name;
    public string Memory => inner.Memory;
    public int Buffers => inner.Buffers;
    public Tensor AllocateActivation(Shape shape) => inner.AllocateActivation(shape);
    public Tensor AllocateWeights(Filter filter) => inner.AllocateWeights(filter);
    public Tensor AllocatePlain(Shape shape) => inner.AllocatePlain(shape);
    public void WriteChannels(ReadOnlySpan<float> values, int firstChannel, int channels, Tensor destination, ChannelOrder order = ChannelOrder.Canonical) => inner.WriteChannels(values, firstChannel, channels, destination, order);
    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> values, ChannelOrder order = ChannelOrder.Canonical) => inner.ReadChannels(source, firstChannel, channels, values, order);
    public void Write(ReadOnlySpan<float> canonical, Tensor destination) => inner.Write(canonical, destination);
    public void Read(Tensor source, Span<float> canonical) => inner.Read(source, canonical);
    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination) => inner.DrawNormal(random, first, deviation, destination);
    public void SendAhead(byte[] pixels) => inner.SendAhead(pixels);
    public void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output) => inner.LoadCrops(pixels, placements, colourShift, mean, output);
    public void RectifyBackward(Tensor output, Tensor dOutput) => inner.RectifyBackward(output, dOutput);
    public void Normalize(Tensor input, LocalResponse response, Tensor output) => inner.Normalize(input, response, output);
    public void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse response, Tensor dInput) => inner.NormalizeBackward(input, dOutput, response, dInput);
    public void MaxPool(Tensor input, int size, int stride, Tensor output) => inner.MaxPool(input, size, stride, output);
    public void MaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, int size, int stride, Tensor dInput) => inner.MaxPoolBackward(input, output, dOutput, size, stride, dInput);
    public void NormalizeMaxPool(Tensor input, LocalResponse response, int size, int stride, Tensor output) => inner.NormalizeMaxPool(input, response, size, stride, output);
    public void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput) => inner.NormalizeMaxPoolBackward(input, output, dOutput, response, size, stride, dInput);
    public void Dropout(Philox random, double rate, int firstFeature, Tensor activation) => inner.Dropout(random, rate, firstFeature, activation);
    public void Scale(float factor, Tensor activation) => inner.Scale(factor, activation);
    public void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel) => inner.CopyChannels(source, sourceChannel, channels, destination, destinationChannel);
    public void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel) => inner.AddChannels(source, sourceChannel, channels, destination, destinationChannel);
    public void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights) => inner.Descend(gradient, rate, momentum, decay, velocity, weights);
    public bool AreFinite(ReadOnlySpan<Tensor> plain) => inner.AreFinite(plain);
    public void Synchronize() => inner.Synchronize();
    public void Dispose() => inner.Dispose();
}
