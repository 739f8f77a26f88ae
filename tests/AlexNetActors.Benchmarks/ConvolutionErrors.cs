using System.Globalization;
using System.Text;
using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Model;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// How far direct and fast convolution are from float64 in every convolution of the paper's network, one tower, batch 128, all three
/// passes: some elements of each result, drawn at random, are computed again in float64, tap by tap.
/// </summary>
static class ConvolutionErrors
{
    const int Images = 128, Samples = 2000;

    /// <summary>A result of a pass as it came from a device, and each of its elements in float64.</summary>
    readonly record struct Result(float[] Values, Func<int, double> Exactly);

    public static int Run(string[] args)
    {
        if (args.Length != 1)
        {
            Console.Error.WriteLine("expected: convolution-errors OUT");
            return 2;
        }
        var report = new StringBuilder();
        report.AppendLine("# Errors of convolution against float64");
        report.AppendLine();
        report.AppendLine($"One tower, batch {Images}, inputs rectified N(0, 1), weights N(0, 0.01), gradients N(0, 1); {Samples} elements of each result. Error over the root mean square of the result: root mean square, and largest.");
        report.AppendLine();
        report.AppendLine("| | direct, rms | largest | fast, rms | largest |");
        report.AppendLine("|---|---|---|---|---|");
        foreach (var layer in RecipeReader.Read("paper", Settings.None).Network.Layers.Where(l => !l.Filter.CoversInput))
        {
            var (direct, fast) = (Passes(layer.Filter, ConvolutionMethod.Direct), Passes(layer.Filter, ConvolutionMethod.Fast));
            foreach (var (name, result) in direct)
                report.AppendLine($"| {layer.Name} {name} | {Errors(result)} | {Errors(fast[name])} |");
            Console.WriteLine(layer.Name);
        }
        report.AppendLine();
        report.AppendLine("`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- convolution-errors OUT`");
        File.WriteAllText(args[0], report.ToString());
        Console.WriteLine(report);
        return 0;
    }

    static Dictionary<string, Result> Passes(Filter f, ConvolutionMethod method)
    {
        using var device = new CpuDevice(Environment.ProcessorCount, method: method);
        float[] x = Normal(1, f.InputShape(Images), 1, rectified: true), w = Normal(2, f.WeightsShape, 0.01), dY = Normal(3, f.OutputShape(Images), 1);
        Tensor input = Write(device, device.AllocateActivation(f.InputShape(Images)), x), weights = Write(device, device.AllocateWeights(f), w);
        Tensor dOutput = Write(device, device.AllocateActivation(f.OutputShape(Images)), dY), output = device.AllocateActivation(f.OutputShape(Images));
        Tensor dWeights = device.AllocateWeights(f), dInput = device.AllocateActivation(f.InputShape(Images));
        Tensor bias = device.AllocatePlain(new(1, f.Kernels, 1, 1)), dBias = device.AllocatePlain(new(1, f.Kernels, 1, 1));
        device.Convolve(input, weights, bias, f, false, output);
        device.ConvolveBackwardWeights(input, dOutput, f, dWeights, dBias);
        var exact = new Exact(f, x, w, dY);
        var results = new Dictionary<string, Result>
        {
            ["forward"] = new(Read(device, output), exact.Output),
            ["gradient by weights"] = new(Read(device, dWeights), exact.DWeight),
        };
        if (f.Stride > 1) return results;
        device.ConvolveBackwardInput(dOutput, weights, f, dInput);
        results["gradient by input"] = new(Read(device, dInput), exact.DInput);
        return results;
    }

    /// <summary>Single elements of a convolution in float64.</summary>
    sealed class Exact(Filter f, float[] x, float[] w, float[] dY)
    {
        public double Output(int element)
        {
            var (b, k, y, x) = Place(element, f.Kernels, f.OutputHeight, f.OutputWidth);
            double sum = 0;
            for (int c = 0; c < f.Channels; c++)
                for (int r = 0; r < f.SizeY; r++)
                    for (int s = 0; s < f.SizeX; s++)
                        sum += (double)Weight(k, c, r, s) * Input(b, c, y * f.Stride + r - f.Pad, x * f.Stride + s - f.Pad);
            return sum;
        }

        public double DInput(int element)
        {
            var (b, c, y, x) = Place(element, f.Channels, f.Height, f.Width);
            double sum = 0;
            for (int k = 0; k < f.Kernels; k++)
                for (int r = 0; r < f.SizeY; r++)
                    for (int s = 0; s < f.SizeX; s++)
                        sum += (double)Weight(k, c, r, s) * DOutput(b, k, y + f.Pad - r, x + f.Pad - s);
            return sum;
        }

        public double DWeight(int element)
        {
            var (k, c, r, s) = Place(element, f.Channels, f.SizeY, f.SizeX);
            double sum = 0;
            for (int b = 0; b < Images; b++)
                for (int y = 0; y < f.OutputHeight; y++)
                    for (int x = 0; x < f.OutputWidth; x++)
                        sum += (double)DOutput(b, k, y, x) * Input(b, c, y * f.Stride + r - f.Pad, x * f.Stride + s - f.Pad);
            return sum;
        }

        static (int, int, int, int) Place(int element, int C, int H, int W) => (element / W / H / C, element / W / H % C, element / W % H, element % W);

        float Weight(int k, int c, int r, int s) => w[((k * f.Channels + c) * f.SizeY + r) * f.SizeX + s];

        float Input(int b, int c, int y, int column) =>
            y >= 0 && y < f.Height && column >= 0 && column < f.Width ? x[((b * f.Channels + c) * f.Height + y) * f.Width + column] : 0;

        float DOutput(int b, int k, int y, int column) =>
            y >= 0 && y < f.OutputHeight && column >= 0 && column < f.OutputWidth ? dY[((b * f.Kernels + k) * f.OutputHeight + y) * f.OutputWidth + column] : 0;
    }

    static string Errors(Result result)
    {
        var random = new Random(1);
        double squares = 0, errors = 0, worst = 0;
        for (int n = 0; n < Samples; n++)
        {
            int element = random.Next(result.Values.Length);
            double exactly = result.Exactly(element), error = result.Values[element] - exactly;
            squares += exactly * exactly;
            errors += error * error;
            worst = Math.Max(worst, Math.Abs(error));
        }
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Sqrt(errors / squares):0.0e0} | {worst / Math.Sqrt(squares / Samples):0.0e0}");
    }

    static float[] Normal(ulong seed, Shape shape, double deviation, bool rectified = false)
    {
        var values = new float[shape.Count];
        new Philox(seed, Purpose.Weights, 0, 0).FillNormal(0, (float)deviation, values);
        if (rectified)
            foreach (ref float v in values.AsSpan()) v = Math.Max(0, v);
        return values;
    }

    static Tensor Write(CpuDevice device, Tensor tensor, float[] values)
    {
        device.Write(values, tensor);
        return tensor;
    }

    static float[] Read(CpuDevice device, Tensor tensor)
    {
        var values = new float[tensor.Shape.Count];
        device.Read(tensor, values);
        return values;
    }
}
