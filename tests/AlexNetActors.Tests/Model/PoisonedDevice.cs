using AlexNetActors.Compute;

namespace AlexNetActors.Tests.Model;

/// <summary>The operations whose result can be poisoned.</summary>
enum Operation : byte { Convolve, ConvolveBackwardInput, ConvolveBackwardWeights }

/// <summary>A device one of whose operations goes wrong: all values of what it computes become one.</summary>
/// <param name="inner">What computes; the caller keeps ownership.</param>
/// <param name="operation">What goes wrong. Of the gradients by weights and biases, that by the biases.</param>
/// <param name="which">Told the how-manieth operation of this kind it is, from 0, and the weights that it is called with; says whether it goes wrong.</param>
/// <param name="value">What they become.</param>
sealed class PoisonedDevice(IDevice inner, Operation operation, Func<long, Tensor, bool> which, float value = float.NaN) : IDevice
{
    readonly long[] _calls = new long[Enum.GetValues<Operation>().Length];

    void Poison(Operation of, Tensor weights, Tensor result, bool plain)
    {
        long call = _calls[(int)of]++;
        if (of != operation || !which(call, weights)) return;
        var values = new float[result.Shape.Count];
        Array.Fill(values, value); // one alone may fall where the rectifier lets no gradient through: it harms nobody
        if (plain) inner.Write(values, result);
        else inner.WriteChannels(values, 0, result.Shape.Channels, result);
    }

    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output)
    {
        inner.Convolve(input, weights, bias, filter, rectify, output);
        Poison(Operation.Convolve, weights, output, plain: false);
    }

    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput)
    {
        inner.ConvolveBackwardInput(dOutput, weights, filter, dInput);
        Poison(Operation.ConvolveBackwardInput, weights, dInput, plain: false);
    }

    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias)
    {
        inner.ConvolveBackwardWeights(input, dOutput, filter, dWeights, dBias);
        Poison(Operation.ConvolveBackwardWeights, dWeights, dBias, plain: true);
    }

    public string Name => inner.Name;
    public string Memory => inner.Memory;
    public int Buffers => inner.Buffers;
    public Tensor AllocateActivation(Shape shape) => inner.AllocateActivation(shape);
    public Tensor AllocateWeights(Filter filter) => inner.AllocateWeights(filter);
    public Tensor AllocatePlain(Shape shape) => inner.AllocatePlain(shape);
    public void WriteChannels(ReadOnlySpan<float> canonical, int firstChannel, int channels, Tensor destination) => inner.WriteChannels(canonical, firstChannel, channels, destination);
    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> canonical) => inner.ReadChannels(source, firstChannel, channels, canonical);
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
