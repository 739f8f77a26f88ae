namespace AlexNetActors.Compute;

/// <summary>
/// What a tower needs of the hardware: memory, and the operations of the network. One description, run by every device;
/// <see cref="ReferenceDevice"/> is the definition of each operation and the conformance tests hold the others to it.
/// <para>A device belongs to one thread at a time. Operations may run behind the call (a GPU's do); <see cref="Read"/> and
/// <see cref="Synchronize"/> wait for them. Arguments come as sources, sizes, destination. A wrong shape throws <see cref="ArgumentException"/>,
/// but for the reference, which trusts its caller.</para>
/// <para>Every sum has a fixed order: the result does not depend on the number of threads.</para>
/// </summary>
public interface IDevice : IDisposable
{
    /// <summary>As the command line names it: "cpu", "reference", "cuda:0".</summary>
    string Name { get; }

    /// <summary>Where its tensors lie: devices of one process with equal memory reach each other's ("cpu", "cuda", "opencl:0").</summary>
    string Memory { get; }

    /// <summary>Whether the processor's cores have nothing to do while it computes.</summary>
    bool LeavesProcessorFree => false;

    /// <summary>Buffers allocated so far: tensors, and working memory each time that it was made larger.</summary>
    int Buffers { get; }

    /// <summary>An activation or its gradient, [B, C, H, W], zeroed.</summary>
    Tensor AllocateActivation(Shape shape);

    /// <summary>The weights of a layer, their gradient or velocity, [K, C, R, S], zeroed.</summary>
    Tensor AllocateWeights(Filter filter);

    /// <summary>Values kept in canonical order: a bias [1, K, 1, 1], the mean image [1, H, W, 3]; zeroed.</summary>
    Tensor AllocatePlain(Shape shape);

    /// <summary>Copies values into channels [firstChannel, firstChannel + channels) of every image of an activation.</summary>
    /// <param name="values">[B, channels, H, W]</param>
    /// <param name="firstChannel">First channel written.</param>
    /// <param name="channels">Number of channels written.</param>
    /// <param name="destination">An activation [B, C, H, W].</param>
    /// <param name="order">Of the values.</param>
    void WriteChannels(ReadOnlySpan<float> values, int firstChannel, int channels, Tensor destination, ChannelOrder order = ChannelOrder.Canonical);

    /// <summary>The inverse of <see cref="WriteChannels"/>; waits for the operations before it.</summary>
    void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> values, ChannelOrder order = ChannelOrder.Canonical);

    /// <summary>
    /// Where the values of a whole activation lie, as <see cref="ReadChannels"/> would give them in <see cref="ChannelOrder.Own"/>, for a device that keeps them in
    /// the machine's memory without gaps; else empty. Another thread may read and write there between operations that touch the tensor, and must
    /// have ended before the device is disposed of.
    /// </summary>
    Memory<byte> WhereItLies(Tensor activation) => default;

    /// <summary>Copies a whole tensor of any kind from canonical row-major order.</summary>
    void Write(ReadOnlySpan<float> canonical, Tensor destination);

    /// <summary>Copies a whole tensor of any kind to canonical row-major order; waits for the operations before it.</summary>
    void Read(Tensor source, Span<float> canonical);

    /// <summary>Fills a whole tensor of any kind with deviation * normals number <paramref name="first"/>, first + 1, ... of <paramref name="random"/>, in canonical row-major order.</summary>
    void DrawNormal(Philox random, ulong first, double deviation, Tensor destination);

    /// <summary>
    /// Pixels that a later <see cref="LoadCrops"/> will ask for: a device with memory of its own brings them there while it computes. They stay
    /// as they are until then. Others may be loaded first or instead.
    /// </summary>
    void SendAhead(byte[] pixels);

    /// <summary>
    /// Makes the network's input of a batch of crops (paper sections 2 and 4.1):
    /// output[b, c, y, x] = pixel - mean under the pixel in its record + colourShift[b, c].
    /// </summary>
    /// <param name="pixels">uint8 crops, already cut and mirrored, [B, H, W, 3].</param>
    /// <param name="placements">Where each crop lies in its record, [B].</param>
    /// <param name="colourShift">[B, 3]</param>
    /// <param name="mean">The mean image of the training set, plain [1, RH, RW, 3].</param>
    /// <param name="output">[B, 3, H, W]</param>
    void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output);

    /// <summary>output = weights * input + bias, rectified (max(0, x)) if asked. input [B, C, H, W], weights [K, C, R, S], bias plain [K], output [B, K, OH, OW].</summary>
    void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output);

    /// <summary>dInput = gradient of <see cref="Convolve"/> (without the rectifier) by its input; overwritten. Stride must be 1, or the filter cover its input.</summary>
    void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput);

    /// <summary>dWeights, dBias = gradients of <see cref="Convolve"/> (without the rectifier), summed over the batch; overwritten.</summary>
    void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias);

    /// <summary>dOutput = 0 wherever output is not above 0: the rectifier's backward, in place. Dropped outputs are 0, so it is dropout's backward too.</summary>
    void RectifyBackward(Tensor output, Tensor dOutput);

    /// <summary>Local response normalisation across the channels of a tower (paper section 3.3). input and output [B, C, H, W].</summary>
    void Normalize(Tensor input, LocalResponse response, Tensor output);

    /// <summary>dInput = gradient of <see cref="Normalize"/>; overwritten.</summary>
    void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse response, Tensor dInput);

    /// <summary>Maximum over size x size windows every stride pixels, no padding (paper section 3.4). output [B, C, (H - size) / stride + 1, ...].</summary>
    void MaxPool(Tensor input, int size, int stride, Tensor output);

    /// <summary>dInput = gradient of <see cref="MaxPool"/>; overwritten. Among equal maxima the first in row-major order takes it all.</summary>
    void MaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, int size, int stride, Tensor dInput);

    /// <summary><see cref="Normalize"/>, then <see cref="MaxPool"/>, without keeping what is between: the same bits.</summary>
    void NormalizeMaxPool(Tensor input, LocalResponse response, int size, int stride, Tensor output);

    /// <summary>dInput = gradient of <see cref="NormalizeMaxPool"/> and of the rectifier that made its input: 0 wherever input is not above 0; overwritten.</summary>
    void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput);

    /// <summary>
    /// Dropout (paper section 4.2), in place: activation[b, c, 0, 0] = 0 where word ((firstFeature + c) * B + b) of
    /// <paramref name="random"/> is below rate * 2^32. What is kept is not scaled.
    /// </summary>
    void Dropout(Philox random, double rate, int firstFeature, Tensor activation);

    /// <summary>activation *= factor, in place: what dropout costs at test time (paper section 4.2).</summary>
    void Scale(float factor, Tensor activation);

    /// <summary>
    /// Copies channels of one activation into another of the same B, H, W. The source may be another device's whose memory this one reaches:
    /// one with the same <see cref="Memory"/>.
    /// </summary>
    void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel);

    /// <summary>Adds channels of one activation to those of another of the same B, H, W: the other tower's part of a gradient.</summary>
    void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel);

    /// <summary>The paper's update rule (section 5): v = momentum * v - decay * rate * w - rate * gradient; w = w + v. Works on weights and on plain tensors.</summary>
    void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights);

    /// <summary>Whether no value of these plain tensors is infinite or not a number; waits for the operations before it, once for all of them.</summary>
    bool AreFinite(ReadOnlySpan<Tensor> plain);

    /// <summary>Waits until every operation called so far is done.</summary>
    void Synchronize();
}
