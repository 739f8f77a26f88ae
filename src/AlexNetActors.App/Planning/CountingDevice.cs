using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;

namespace AlexNetActors.App;

/// <summary>Adds up what a tower asks of its device and allocates nothing: the plan cannot differ from what the tower does. It cannot compute.</summary>
sealed class CountingDevice : IDevice
{
    sealed class Nothing(Shape shape) : Tensor(shape);

    /// <summary>Bytes of activations and their gradients.</summary>
    public long ActivationBytes { get; private set; }

    /// <summary>Bytes of weights and biases, their gradients and velocities, and the mean image.</summary>
    public long WeightBytes { get; private set; }

    /// <summary>Bytes on a GPU, which fills tensors up, with the working memory beside them at most.</summary>
    public long GpuBytes => GpuTensorBytes + IlgpuDevice.ScratchBytes(_largestActivation, _largestWeights, _cropBytes, _filters, _images);

    /// <summary>Bytes of the tensors alone.</summary>
    public long GpuTensorBytes { get; private set; }

    readonly List<Filter> _filters = [];
    long _largestActivation, _largestWeights, _cropBytes;
    int _images;

    public string Name => "plan";
    public string Memory => "plan";
    public int Buffers => 0;

    public Tensor AllocateActivation(Shape shape)
    {
        ActivationBytes += sizeof(float) * shape.Count;
        if (_cropBytes == 0) (_cropBytes, _images) = (shape.Count, shape.Images); // the first activation is the input, whose crops come as bytes
        return Count(shape, GpuLayout.Activation, ref _largestActivation);
    }

    public Tensor AllocateWeights(Filter filter)
    {
        WeightBytes += sizeof(float) * filter.WeightsShape.Count;
        _filters.Add(filter);
        return Count(filter.WeightsShape, GpuLayout.Weights, ref _largestWeights);
    }

    public Tensor AllocatePlain(Shape shape)
    {
        long none = 0;
        WeightBytes += sizeof(float) * shape.Count;
        return Count(shape, GpuLayout.Plain, ref none);
    }

    Nothing Count(Shape shape, GpuLayout layout, ref long largest)
    {
        long bytes = IlgpuDevice.BytesOf(layout, shape);
        GpuTensorBytes += bytes;
        largest = Math.Max(largest, bytes);
        return new Nothing(shape);
    }

    public void Write(ReadOnlySpan<float> canonical, Tensor destination) { }
    public void Synchronize() { }
    public void Dispose() { }

    static NotSupportedException Refusal => new("a plan does not compute");
    public void WriteChannels(ReadOnlySpan<float> values, int firstChannel, int channels, Tensor destination, ChannelOrder order = ChannelOrder.Canonical) => throw Refusal;
    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> values, ChannelOrder order = ChannelOrder.Canonical) => throw Refusal;
    public void Read(Tensor source, Span<float> canonical) => throw Refusal;
    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination) => throw Refusal;
    public void SendAhead(byte[] pixels) => throw Refusal;
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
    public bool AreFinite(ReadOnlySpan<Tensor> plain) => throw Refusal;
    public void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights) => throw Refusal;
}
