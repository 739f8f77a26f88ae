using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using AlexNetActors.Tests.Data;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>What ptxas says of a kernel.</summary>
/// <param name="Registers">Of a thread.</param>
/// <param name="Spills">Bytes of registers stored to memory and loaded again.</param>
/// <param name="Stack">Bytes of a thread's local memory.</param>
/// <param name="SharedMemory">Bytes of a group.</param>
/// <param name="Instructions">The machine code as nvdisasm prints it, where there is one beside ptxas: instructions and labels, a line each.</param>
sealed record Assembled(int Registers, int Spills, int Stack, int SharedMemory, IReadOnlyList<string> Instructions);

/// <summary>
/// NVIDIA's assembler, which every driver holds too: of the CUDA toolkit (Debian: nvidia-cuda-toolkit), needs no GPU. Looked for where
/// ALEXNET_PTXAS says, in PATH and where toolkits are installed.
/// </summary>
static class Ptxas
{
    static readonly string? Path = Find();

    /// <summary>"sm_80" and the newest that this ptxas assembles for.</summary>
    public static IReadOnlyList<string> Architectures()
    {
        Assert.SkipWhen(Path is null, "there is no ptxas: neither ALEXNET_PTXAS nor PATH nor /usr/local/cuda/bin nor /usr/lib/nvidia-cuda-toolkit/bin leads to one");
        int newest = Regex.Matches(Run(Path, "--help"), @"'sm_(\d+)'").Max(m => Number(m.Groups[1]));
        return ["sm_80", $"sm_{newest}"];
    }

    public static Assembled Assemble(PtxKernel kernel, string architecture)
    {
        using var folder = new TemporaryFolder();
        string source = folder["kernel.ptx"], binary = folder["kernel.cubin"];
        File.WriteAllText(source, kernel.Compile(CudaArchitecture.SM_80, CudaInstructionSet.ISA_78)); // the newest that ptxas 11.8 reads
        string report = Run(Path!, "-v", $"-arch={architecture}", source, "-o", binary), disassembler = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path!)!, "nvdisasm");
        int Reported(string pattern) => Regex.Match(report, pattern) is { Success: true } match ? Number(match.Groups[1]) : 0;
        return new(
            Reported(@"Used (\d+) registers"),
            Reported(@"(\d+) bytes spill stores") + Reported(@"(\d+) bytes spill loads"),
            Reported(@"(\d+) bytes stack frame"),
            Reported(@"(\d+) bytes smem"),
            File.Exists(disassembler) ? Instructions(Run(disassembler, "-c", binary)) : []);
    }

    static IReadOnlyList<string> Instructions(string disassembly) =>
        [.. Regex.Matches(disassembly, @"^(?:(\.L_x_\d+:)|\s+/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;)", RegexOptions.Multiline).Select(m => m.Groups[1].Value + m.Groups[2].Value)];

    static string? Find()
    {
        if (Environment.GetEnvironmentVariable("ALEXNET_PTXAS") is { Length: > 0 } named) return named;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator).Concat(["/usr/local/cuda/bin", "/usr/lib/nvidia-cuda-toolkit/bin"]);
        return folders.Where(f => f.Length > 0).Select(f => System.IO.Path.Combine(f, "ptxas")).FirstOrDefault(File.Exists);
    }

    static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        string said = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} failed: {said}");
        return said;
    }

    static int Number(Group digits) => int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture);
}
