using System.Globalization;
using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using ILGPU.Runtime;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// The same bits again and again: runs of `alexnet train` on a GPU, one GPU actor and two, end in one digest. And the right ones: the gradients of
/// one step are the processor's to float32's rounding.
/// </summary>
sealed class GpuSteps
{
    /// <summary>
    /// Sums of a few thousand float32 products in another order are some 1e-7 off, and each layer back adds its own. A rectifier that falls the other
    /// way costs 1e-3.
    /// </summary>
    const double Tolerance = 2e-5;

    /// <summary>Fast convolution loses a factor of ten in each of eleven passes (CpuConformance says why); most shows in conv1's gradients, at the end of the chain.</summary>
    const double FastTolerance = 5e-5;

    readonly GpuWorkload _work = GpuWorkload.Asked;
    readonly string _device, _data, _output;
    readonly List<CheckRow> _rows = [];
    bool _good = true;

    /// <param name="args">A device; a data set of gpu-pictures; a file for the rows of the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 3) return GpuWorkload.Refuse("gpu-steps DEVICE DATA OUT");
        var steps = new GpuSteps(args);
        steps.CompareWithProcessor();
        steps.CompareDigests();
        return steps._good ? 0 : 1;
    }

    GpuSteps(string[] args) => (_device, _data, _output) = (args[0], Path.GetFullPath(args[1]), args[2]);

    void CompareWithProcessor()
    {
        var expected = Step("cpu-direct", new(), Environment.ProcessorCount);
        foreach (var options in new GpuOptions[] { new(Blas: BlasChoice.Own), new(Blas: BlasChoice.Own, Convolution: ConvolutionMethod.Direct), new(Blas: BlasChoice.CuBlas), new(ComputePrecision.Tf32) })
            Try($"one step of {_work.StepImages} images", $"{_device} against cpu-direct, {GpuWorkload.Words(options)}", () =>
            {
                var got = Step(_device, options, 1);
                double loss = Math.Abs(got.Loss - expected.Loss) / expected.Loss;
                var (error, worst) = expected.Gradients.Zip(got.Gradients, (e, g) => (Error(e.Data, g.Data), e.Name)).Max();
                double tolerance = options.Convolution == ConvolutionMethod.Fast ? FastTolerance : Tolerance;
                bool judged = options.Precision == ComputePrecision.Float32, good = loss < tolerance && error < tolerance;
                return (Text($"loss differs by {loss:0.0e0} of it, gradients by at most {error:0.0e0} (rms over rms, {worst})"),
                    judged ? $"{Verdict(good)}: within {tolerance:0e0} is float32's rounding" : "10 bits of mantissa");
            });
    }

    OneStep Step(string name, GpuOptions options, int threads)
    {
        using var device = DeviceCatalog.Find(name, options).Open(threads);
        return OneStep.Of(_work.Recipe(_work.StepImages), _work.RecordSize, _work.Step, device);
    }

    void CompareDigests()
    {
        int batch = _work.Runs[0].Batch;
        string part = $"{_work.DigestSteps} steps, batch {batch}", first = "";
        void Twice(string what, string devices, string precision, Func<string, bool> alsoGood, string otherwise) => Try(part, what, () =>
        {
            var (one, two) = (Digest(devices, batch, precision), Digest(devices, batch, precision));
            if (first == "") first = one;
            return (one == two ? one[..16] : $"{one[..16]} and {two[..16]}", one != two ? $"{Verdict(false)}: two digests" : alsoGood(one) ? $"{Verdict(true)}: the same twice" : $"{Verdict(false)}: {otherwise}");
        });
        Twice("one GPU actor, two runs", _device, "float32", _ => true, "");
        Twice("two GPU actors, two runs", $"{_device},{_device}", "float32", digest => digest == first, "not that of one actor");
        if (_device.StartsWith("cuda", StringComparison.Ordinal)) Twice("one GPU actor, tf32, two runs", _device, "tf32", digest => digest != first, "that of float32");
    }

    string Digest(string devices, int batch, string precision)
    {
        using var run = _work.Train(_data, devices, batch, $"compute.precision={precision}");
        string digest = Ours.Json(run.Train(_work.DigestSteps, Ours.AsBuilt)).GetProperty("weightsSha256").GetString()!;
        Console.WriteLine($"{devices}, {precision}: {digest}");
        return digest;
    }

    string Verdict(bool good)
    {
        _good &= good;
        return good ? "ok" : "**failed**";
    }

    /// <summary>What this machine has not is said and is no failure; a run that fails is one.</summary>
    void Try(string part, string what, Func<(string Result, string Remark)> action)
    {
        try
        {
            var (result, remark) = action();
            _rows.Add(new(part, what, result, remark));
        }
        catch (ArgumentException e)
        {
            _rows.Add(new(part, what, "", e.Message));
        }
        catch (Exception e) when (e is DeviceException or AcceleratorException or InvalidOperationException)
        {
            _rows.Add(new(part, what, "", $"{Verdict(false)}: {CheckRow.Why(e)}"));
        }
        Console.WriteLine(_rows[^1]);
        CheckTable.Write(_output, _rows);
    }

    /// <summary>Root mean square of the error over that of the values.</summary>
    static double Error(float[] expected, float[] got)
    {
        double errors = 0, squares = 0;
        for (int n = 0; n < expected.Length; n++)
        {
            errors += ((double)got[n] - expected[n]) * ((double)got[n] - expected[n]);
            squares += (double)expected[n] * expected[n];
        }
        return Math.Sqrt(errors / squares);
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
