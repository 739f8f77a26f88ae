using System.Diagnostics;
using System.Text.Json;

namespace AlexNetActors.Benchmarks;

/// <summary>PyTorch could not do it: no compiler, no memory, no answer. The message says what it said.</summary>
sealed class PyTorchException(string message) : Exception(message);

/// <summary>tests/gpu-check/torch_alexnet.py in a process of its own, which stays: a line asks it, a line of JSON answers.</summary>
sealed class PyTorch : IDisposable
{
    static readonly TimeSpan EndMax = TimeSpan.FromSeconds(5);

    readonly Process _process;

    /// <param name="script">torch_alexnet.py.</param>
    /// <param name="network">The file that gpu-network writes.</param>
    /// <param name="device">As ours is named; what is not CUDA's runs on the processor.</param>
    public PyTorch(string script, string network, string device)
    {
        string[] arguments = [script, "serve", network, device.StartsWith("cuda", StringComparison.Ordinal) ? "cuda" : "cpu"];
        _process = Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("PYTHON") ?? "python3", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    /// <param name="request">One line.</param>
    /// <param name="most">Longer than this is no answer: the process is ended.</param>
    /// <exception cref="PyTorchException">It says why not, or nothing.</exception>
    public JsonElement Ask(string request, TimeSpan most)
    {
        try
        {
            _process.StandardInput.WriteLine(request);
            _process.StandardInput.Flush();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            throw new PyTorchException("its process has ended");
        }
        var reading = _process.StandardOutput.ReadLineAsync();
        if (!reading.Wait(most))
        {
            _process.Kill(entireProcessTree: true);
            throw new PyTorchException($"no answer within {most.TotalSeconds:F0} s");
        }
        if (reading.Result is not { } line) throw new PyTorchException("its process has ended");
        var answer = JsonDocument.Parse(line).RootElement;
        return answer.TryGetProperty("error", out var error) ? throw new PyTorchException(error.GetString()!) : answer;
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException) // it has ended before it read all
        {
        }
        if (!_process.WaitForExit(EndMax)) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
