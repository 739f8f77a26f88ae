using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>
/// PyTorch's results in float64, made by tests/fixtures/make_fixtures.py and stored rounded to float32, and how far ours may be from them.
/// <para>The error of a tensor is the largest error of an element relative to the root mean square of what is expected.</para>
/// </summary>
static class Golden
{
    public static IReadOnlyDictionary<string, NamedValues> Read(string fixture) =>
        SafeTensors.Read(Path.Combine(AppContext.BaseDirectory, "fixtures", fixture + ".safetensors")).ToDictionary(t => t.Name);

    public static double Error(ReadOnlySpan<float> expected, ReadOnlySpan<float> got)
    {
        Assert.Equal(expected.Length, got.Length);
        double squares = 0, worst = 0;
        for (int n = 0; n < expected.Length; n++)
        {
            squares += (double)expected[n] * expected[n];
            double error = Math.Abs((double)got[n] - expected[n]);
            if (!(error <= worst)) worst = error; // a NaN stays
        }
        return worst / Math.Sqrt(squares / expected.Length);
    }

    public static void AssertClose(NamedValues expected, ReadOnlySpan<float> got, double tolerance)
    {
        double error = Error(expected.Data, got);
        TestContext.Current.TestOutputHelper?.WriteLine($"{expected.Name} {error:E2}");
        Assert.True(error <= tolerance, $"{expected.Name} is off by {error:E2} of its root mean square, allowed is {tolerance:E0}");
    }

    /// <summary>The fixtures' test values: normals of the stream (seed, weights, 0, 0).</summary>
    public static float[] Values(int seed, Shape shape, double scale = 1, bool rounded = false)
    {
        var random = new Philox((ulong)seed, Purpose.Weights, 0, 0);
        var values = new float[shape.Count];
        for (int n = 0; n < values.Length; n++)
        {
            double v = scale * random.Normal((ulong)n);
            values[n] = (float)(rounded ? Math.Round(v) : v);
        }
        return values;
    }
}
