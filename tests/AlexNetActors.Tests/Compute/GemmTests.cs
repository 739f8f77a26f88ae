using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using ILGPU;
using ILGPU.Runtime;
using static AlexNetActors.Tests.Compute.SampleValues;

namespace AlexNetActors.Tests.Compute;

/// <summary>Products as BLAS documents them, in float64. On a device: in the host's memory, behind what is queued there.</summary>
sealed class ReferenceBlas(AcceleratorStream stream) : IBlas
{
    public void Multiply(Gemm p, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        float[] product = Values(c);
        Multiply(p, Values(a), Values(b), product);
        c.CopyFromCPU(stream, product);
    }

    /// <summary>All with their columns side by side; what a product leaves alone stays.</summary>
    public static void Multiply(Gemm p, float[] a, float[] b, float[] c)
    {
        for (int n = 0; n < p.Batch; n++)
            for (int column = 0; column < p.N; column++)
                for (int row = 0; row < p.M; row++)
                {
                    ref float value = ref c[n * p.StrideC + column * p.Ldc + row];
                    double sum = p.Add ? value : 0;
                    for (int k = 0; k < p.K; k++)
                        sum += (double)a[n * p.StrideA + (p.TransposeA ? row * p.Lda + k : k * p.Lda + row)] * b[n * p.StrideB + (p.TransposeB ? k * p.Ldb + column : column * p.Ldb + k)];
                    value = (float)sum;
                }
    }

    float[] Values(ArrayView<float> view)
    {
        var values = new float[view.Length];
        view.CopyToCPU(stream, values);
        return values;
    }

    public void Dispose() { }
}

/// <summary>
/// What a GPU asks of BLAS for a fully connected layer gives what <see cref="ReferenceDevice"/> defines, on memory that lies as a GPU's does.
/// Both add in float64: only the rounding to float32 differs. Within a device, and at the points of fast convolution: <see cref="OpenClBlasConformance"/>.
/// </summary>
public sealed class GemmTests
{
    const int Images = 5, ImageStride = 8, KernelStride = 12;
    const float Tolerance = 1e-6f;

    static readonly Filter Layer = Filter.FullyConnected(3, 2, 3, 10);

    readonly ReferenceDevice _reference = new();

    static int Features => Layer.WeightsShape.Features;

    [Fact]
    public void ForwardEqualsReference()
    {
        var (input, weights) = (Of(Images * Features, 1), Of(Layer.Kernels * Features, 2));
        var output = _reference.AllocateActivation(Layer.OutputShape(Images));
        _reference.Convolve(Filled(_reference.AllocateActivation(Layer.InputShape(Images)), input), Filled(_reference.AllocateWeights(Layer), weights), _reference.AllocatePlain(new(1, Layer.Kernels, 1, 1)), Layer, rectify: false, output);

        var c = Multiply(Gemm.Forward(Features, Layer.Kernels, KernelStride, ImageStride), Turned(input, Images, ImageStride), Turned(weights, Layer.Kernels, KernelStride), Layer.Kernels * ImageStride);
        Equal(Turned(Read(_reference, output), Images, ImageStride), c);
    }

    [Fact]
    public void BackwardInputEqualsReference()
    {
        var (dOutput, weights) = (Of(Images * Layer.Kernels, 1), Of(Layer.Kernels * Features, 2));
        var dInput = _reference.AllocateActivation(Layer.InputShape(Images));
        _reference.ConvolveBackwardInput(Filled(_reference.AllocateActivation(Layer.OutputShape(Images)), dOutput), Filled(_reference.AllocateWeights(Layer), weights), Layer, dInput);

        var c = Multiply(Gemm.BackwardInput(Features, Layer.Kernels, KernelStride, ImageStride), Turned(dOutput, Images, ImageStride), Turned(weights, Layer.Kernels, KernelStride), Features * ImageStride);
        Equal(Turned(Read(_reference, dInput), Images, ImageStride), c);
    }

    [Fact]
    public void BackwardWeightsEqualsReference()
    {
        var (dOutput, input) = (Of(Images * Layer.Kernels, 1), Of(Images * Features, 2));
        var dWeights = _reference.AllocateWeights(Layer);
        _reference.ConvolveBackwardWeights(Filled(_reference.AllocateActivation(Layer.InputShape(Images)), input), Filled(_reference.AllocateActivation(Layer.OutputShape(Images)), dOutput), Layer, dWeights, _reference.AllocatePlain(new(1, Layer.Kernels, 1, 1)));

        var c = Multiply(Gemm.BackwardWeights(Features, Layer.Kernels, KernelStride, ImageStride), Turned(dOutput, Images, ImageStride), Turned(input, Images, ImageStride), Features * KernelStride);
        Equal(Turned(Read(_reference, dWeights), Layer.Kernels, KernelStride), c);
    }

    static float[] Multiply(Gemm p, float[] a, float[] b, int count)
    {
        var c = new float[count];
        ReferenceBlas.Multiply(p, a, b, c);
        return c;
    }

    /// <summary>[columns][rows] to [rows][columns], filled up with zeros.</summary>
    static float[] Turned(float[] canonical, int columns, int stride)
    {
        int rows = canonical.Length / columns;
        var turned = new float[rows * stride];
        for (int column = 0; column < columns; column++)
            for (int row = 0; row < rows; row++) turned[row * stride + column] = canonical[column * rows + row];
        return turned;
    }

    Tensor Filled(Tensor tensor, float[] values)
    {
        _reference.Write(values, tensor);
        return tensor;
    }

    static void Equal(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int n = 0; n < expected.Length; n++) Assert.Equal(expected[n], actual[n], Tolerance);
    }
}
