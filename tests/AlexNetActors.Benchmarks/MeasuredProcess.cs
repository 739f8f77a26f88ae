using System.Diagnostics;
using System.Globalization;

namespace AlexNetActors.Benchmarks;

/// <summary>What another process printed and how much memory it held at most.</summary>
/// <param name="Output">Its standard output.</param>
/// <param name="PeakMebibytes">Highest resident memory, pages of mapped files included, as Linux counts it.</param>
sealed record MeasuredProcess(string Output, double PeakMebibytes)
{
    static readonly TimeSpan SampleInterval = TimeSpan.FromMilliseconds(20);

    /// <param name="program">What to start.</param>
    /// <param name="folder">Where.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables laid over this process's own.</param>
    /// <param name="sample">Called with its number every few milliseconds while it runs.</param>
    /// <exception cref="InvalidOperationException">It did not end with 0.</exception>
    public static MeasuredProcess Run(string program, string folder, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, Action<int>? sample = null)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        double peak = 0;
        do
        {
            sample?.Invoke(process.Id);
            peak = Math.Max(peak, HighWaterMebibytes(process.Id)); // the last one seen: it only rises
        }
        while (!process.WaitForExit(SampleInterval));
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}: {errors.Result}");
        return new MeasuredProcess(output.Result, peak);
    }

    static double HighWaterMebibytes(int process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException) // it has just ended
        {
            return 0;
        }
    }
}
