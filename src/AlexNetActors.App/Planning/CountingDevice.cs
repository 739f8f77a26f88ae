using AlexNetActors.Compute;

namespace AlexNetActors.App;

/// <summary>Adds up what a tower asks of its device and allocates nothing: the plan cannot differ from what the tower does. It cannot compute.</summary>
sealed class CountingDevice : IDevice
{
    sealed class Nothing(Shape shape) : Tensor(shape);

    /// <summary>Bytes of activations and their gradients.</summary>
    public long ActivationBytes { get; private set; }

    /// <summary>Bytes of weights and biases, their gradients and velocities, and the mean image.</summary>
    public long WeightBytes { get; private set; }

    public string Name => "plan";
    public string Memory => "plan";
    public int Buffers => 0;

    public Tensor AllocateActivation(Shape shape)
    {
        ActivationBytes += sizeof(float) * shape.Count;
        return new Nothing(shape);
    }

    public Tensor AllocateWeights(Filter filter) => AllocatePlain(filter.WeightsShape);

    public Tensor AllocatePlain(Shape shape)
    {
        WeightBytes += sizeof(float) * shape.Count;
        return new Nothing(shape);
    }

    public void Write(ReadOnlySpan<float> canonical, Tensor destination) { }
    public void Synchronize() { }
    public void Dispose() { }

    static NotSupportedException Refusal => new("a plan does not compute");
    public void WriteChannels(ReadOnlySpan<float> canonical, int firstChannel, int channels, Tensor destination) => throw Refusal;
    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> canonical) => throw Refusal;
    public void Read(Tensor source, Span<float> canonical) => throw Refusal;
    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination) => throw Refusal;
    public void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output) => throw Refusal;
    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output) => throw Refusal;
    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput) => throw Refusal;
    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias) => throw Refusal;
    public void RectifyBackward(Tensor output, Tensor dOutput) => throw Refusal;
    public void Normalize(Tensor input, LocalResponse response, Tensor output) => throw Refusal;
    public void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse response, Tensor dInput) => throw Refusal;
    public void MaxPool(Tensor input, int size, int stride, Tensor output) => throw Refusal;
    public void MaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, int size, int stride, Tensor dInput) => throw Refusal;
    public void NormalizeMaxPool(Tensor input, LocalResponse response, int size, int stride, Tensor output) => throw Refusal;
    public void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput) => throw Refusal;
    public void Dropout(Philox random, double rate, int firstFeature, Tensor activation) => throw Refusal;
    public void Scale(float factor, Tensor activation) => throw Refusal;
    public void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel) => throw Refusal;
    public void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel) => throw Refusal;
    public void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights) => throw Refusal;
}
