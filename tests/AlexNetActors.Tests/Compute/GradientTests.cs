using AlexNetActors.Compute;
using static AlexNetActors.Tests.Compute.SampleValues;

namespace AlexNetActors.Tests.Compute;

/// <summary>
/// Backward is the derivative of forward, on the device that defines both: for the scalar sum(G * forward(x)), the central difference
/// (f(x + h) - f(x - h)) / 2h of every element of x equals the gradient that backward makes of G.
/// <para>Outputs are float32, the sum float64. Convolution and dropout are linear, so a step of 1/4 has no truncation error; pooled values
/// lie 1 apart, so it crosses no tie. The norm is smooth: 1/64 leaves a truncation of h^2 / 6 = 4e-5 of its third derivative and a rounding
/// of 2^-24 / h = 4e-6. The rectifier's kink asks for a small step, 1/1024, with a rounding of 6e-5. Tolerances are relative to the rms of
/// the gradient and a few times these.</para>
/// </summary>
public sealed class GradientTests
{
    readonly ReferenceDevice d = new();

    public static TheoryData<int, Filter> Filters => new()
    {
        { 2, Filter.Convolution(3, 5, 6, 4, 3, 1, 1) },
        { 2, Filter.Convolution(2, 9, 8, 3, 5, 4, 2) },
        { 2, Filter.FullyConnected(3, 2, 2, 5) },
    };

    [Theory]
    [MemberData(nameof(Filters))]
    public void OfConvolve(int images, Filter filter)
    {
        Tensor x = Activation(d, filter.InputShape(images), 1), w = Weights(d, filter, 2), bias = Bias(d, filter, 3), y = d.AllocateActivation(filter.OutputShape(images));
        Tensor dY = Activation(d, y.Shape, 4), dX = d.AllocateActivation(x.Shape), dW = d.AllocateWeights(filter), dBias = d.AllocatePlain(bias.Shape);
        void Forward() => d.Convolve(x, w, bias, filter, false, y);
        if (filter.Stride == 1)
        {
            d.ConvolveBackwardInput(dY, w, filter, dX);
            AssertDerivative(Forward, y, dY, x, dX, step: 0.25f, tolerance: 1e-5);
        }
        d.ConvolveBackwardWeights(x, dY, filter, dW, dBias);
        AssertDerivative(Forward, y, dY, w, dW, step: 0.25f, tolerance: 1e-5);
        AssertDerivative(Forward, y, dY, bias, dBias, step: 0.25f, tolerance: 1e-5);
    }

    [Fact]
    public void OfConvolveAndRectify()
    {
        var filter = Filter.Convolution(3, 5, 4, 4, 3, 1, 1);
        Tensor x = Activation(d, filter.InputShape(2), 1), w = Weights(d, filter, 2), bias = Bias(d, filter, 3), y = d.AllocateActivation(filter.OutputShape(2));
        Tensor dY = Activation(d, y.Shape, 4), dX = d.AllocateActivation(x.Shape);
        float[] gradient = Read(d, dY);
        d.Convolve(x, w, bias, filter, true, y);
        d.RectifyBackward(y, dY);
        d.ConvolveBackwardInput(dY, w, filter, dX);
        d.Write(gradient, dY);
        AssertDerivative(() => d.Convolve(x, w, bias, filter, true, y), y, dY, x, dX, step: 1f / 1024, tolerance: 5e-4);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void OfNormalize(int window)
    {
        var shape = new Shape(2, 7, 2, 2);
        var response = new LocalResponse(1f, 0.3f, window);
        Tensor x = Activation(d, shape, 1), y = d.AllocateActivation(shape), dY = Activation(d, shape, 2), dX = d.AllocateActivation(shape);
        d.NormalizeBackward(x, dY, response, dX);
        AssertDerivative(() => d.Normalize(x, response, y), y, dY, x, dX, step: 1f / 64, tolerance: 5e-4);
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    public void OfMaxPool(int size, int stride)
    {
        var shape = new Shape(2, 3, 7, 5);
        Tensor x = d.AllocateActivation(shape), y = d.AllocateActivation(shape with { Height = (7 - size) / stride + 1, Width = (5 - size) / stride + 1 });
        Tensor dY = Activation(d, y.Shape, 2), dX = d.AllocateActivation(shape);
        // A permutation: 89 shares no factor with the count.
        d.Write([.. Enumerable.Range(0, (int)shape.Count).Select(n => (float)(n * 89 % shape.Count))], x);
        void Forward() => d.MaxPool(x, size, stride, y);
        Forward();
        d.MaxPoolBackward(x, y, dY, size, stride, dX);
        AssertDerivative(Forward, y, dY, x, dX, step: 0.25f, tolerance: 1e-5);
    }

    /// <summary>Of activations above 0, as rectified ones that matter are: what is dropped is 0, and the rectifier's backward stops its gradient.</summary>
    [Fact]
    public void OfDropout()
    {
        var shape = new Shape(5, 9, 1, 1);
        Tensor x = Activation(d, shape, 1, v => (float)(1 + v * v)), y = d.AllocateActivation(shape), dY = Activation(d, shape, 2);
        float[] gradient = Read(d, dY);
        void Forward()
        {
            d.CopyChannels(x, 0, 9, y, 0);
            d.Dropout(new Philox(1, Purpose.Dropout, 6, 3), 0.5, 4, y);
        }
        Forward();
        d.RectifyBackward(y, dY);
        var dX = d.AllocateActivation(shape);
        d.Write(Read(d, dY), dX);
        d.Write(gradient, dY);
        AssertDerivative(Forward, y, dY, x, dX, step: 0.25f, tolerance: 1e-5);
    }

    void AssertDerivative(Action forward, Tensor y, Tensor dY, Tensor x, Tensor dX, float step, double tolerance)
    {
        float[] values = Read(d, x), gradient = Read(d, dX), g = Read(d, dY);
        double rms = Math.Sqrt(gradient.Sum(v => (double)v * v) / gradient.Length);
        Assert.True(rms > 0.01, "a gradient of nothing proves nothing");
        for (int n = 0; n < values.Length; n++)
        {
            float up = values[n] + step, down = values[n] - step; // rounded: the step taken is their difference
            double difference = (SumAt(n, up) - SumAt(n, down)) / ((double)up - down);
            Assert.True(Math.Abs(difference - gradient[n]) <= tolerance * rms, $"element {n}: slope {difference}, gradient {gradient[n]}, rms {rms}");
        }

        double SumAt(int n, float value)
        {
            (float old, values[n]) = (values[n], value);
            d.Write(values, x);
            forward();
            values[n] = old;
            d.Write(values, x);
            return Read(d, y).Zip(g, (output, weight) => (double)output * weight).Sum();
        }
    }
}
