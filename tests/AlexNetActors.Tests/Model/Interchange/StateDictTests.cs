using System.Diagnostics;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>PyTorch builds a module from our file and computes what our towers compute.</summary>
public sealed class StateDictTests : IDisposable
{
    const double Tolerance = 1e-4; // as for ONNX
    const string Python = "/usr/bin/python3"; // Debian's, which its package python3-torch is for
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    readonly Data.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("quickstart", 100, 32, 40, 3)]
    [InlineData("paper", 2, 2, 256, 0)]
    public void PyTorch_gives_the_towers_outputs(string recipe, int pictures, int batch, int recordSize, int steps)
    {
        Assert.SkipUnless(File.Exists(Python) && Run("-c", "import numpy, torch").Code == 0, $"{Python} has no torch: install python3-torch");
        var shown = ShownPictures.Of(recipe, pictures, batch, recordSize, steps);
        StateDict.Write(_folder["network.safetensors"], shown.Network, shown.Values, new Dictionary<string, string>());
        SafeTensors.Write(_folder["pictures.safetensors"], [new NamedValues("pictures", [shown.Count, 3, shown.Side, shown.Side], shown.Pictures)], new Dictionary<string, string>());
        var (code, said) = Run(Path.Combine(AppContext.BaseDirectory, "fixtures", "exported.py"), _folder["network.safetensors"], _folder["pictures.safetensors"], _folder["outputs.safetensors"]);
        Assert.True(code == 0, said);
        double error = shown.ErrorOf(SafeTensors.Read(_folder["outputs.safetensors"])[0].Data);
        TestContext.Current.SendDiagnosticMessage($"{recipe}, {pictures} pictures: PyTorch is off by {error:E1}");
        Assert.True(error < Tolerance, $"PyTorch is off by {error:E1}");
    }

    static (int Code, string Said) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Python, arguments) { RedirectStandardError = true };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = Process.Start(start)!;
        var said = process.StandardError.ReadToEndAsync();
        if (process.WaitForExit(Deadline)) return (process.ExitCode, said.Result);
        process.Kill(entireProcessTree: true);
        throw new TimeoutException($"{Python} has not ended in {Deadline.TotalSeconds} s: {said.Result}");
    }
}
