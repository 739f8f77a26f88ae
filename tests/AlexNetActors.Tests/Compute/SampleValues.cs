using AlexNetActors.Compute;

namespace AlexNetActors.Tests.Compute;

/// <summary>Seeded values for tests of devices, standard normal unless mapped.</summary>
internal static class SampleValues
{
    public static float[] Of(long count, int seed, Func<double, float>? map = null)
    {
        var random = new Philox((ulong)seed, Purpose.Weights, 0, 0);
        var values = new float[count];
        for (long n = 0; n < count; n++) values[n] = map == null ? (float)random.Normal((ulong)n) : map(random.Normal((ulong)n));
        return values;
    }

    public static Tensor Activation(IDevice d, Shape shape, int seed, Func<double, float>? map = null) => Filled(d, d.AllocateActivation(shape), seed, map);

    public static Tensor Weights(IDevice d, Filter filter, int seed, Func<double, float>? map = null) => Filled(d, d.AllocateWeights(filter), seed, map);

    public static Tensor Plain(IDevice d, Shape shape, int seed) => Filled(d, d.AllocatePlain(shape), seed);

    public static Tensor Bias(IDevice d, Filter filter, int seed) => Plain(d, new(1, filter.Kernels, 1, 1), seed);

    public static float[] Read(IDevice d, Tensor tensor)
    {
        var values = new float[tensor.Shape.Count];
        d.Read(tensor, values);
        return values;
    }

    static Tensor Filled(IDevice d, Tensor tensor, int seed, Func<double, float>? map = null)
    {
        d.Write(Of(tensor.Shape.Count, seed, map), tensor);
        return tensor;
    }
}
