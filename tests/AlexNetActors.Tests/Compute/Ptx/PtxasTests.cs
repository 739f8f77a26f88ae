using System.Text.RegularExpressions;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>The kernels' CUDA code as NVIDIA's assembler turns it into machine code.</summary>
public sealed class PtxasTests(ITestOutputHelper output)
{
    [Theory]
    [MemberData(nameof(PtxKernel.Names), MemberType = typeof(PtxKernel))]
    public void KernelsAssembleWithoutSpills(string name)
    {
        foreach (string architecture in Ptxas.Architectures())
        {
            var kernel = Ptxas.Assemble(PtxKernel.Named(name), architecture);
            output.WriteLine($"{name} {architecture}: {kernel.Registers} registers, {kernel.SharedMemory} bytes of shared memory");
            Assert.Equal((0, 0), (kernel.Spills, kernel.Stack));
        }
    }

    /// <summary>
    /// Each quarter of a multiprocessor begins one instruction a clock: what is not FFMA is lost. The innermost loop, half of a strip, has 256
    /// of them, 16 loads and a few instructions for addresses and the loop.
    /// </summary>
    [Theory]
    [InlineData("Products.Convolve")]
    [InlineData("Products.ConvolveBackwardWeights")]
    public void ProductsSpendTheirTimeMultiplying(string name)
    {
        foreach (string architecture in Ptxas.Architectures())
        {
            var instructions = Ptxas.Assemble(PtxKernel.Named(name), architecture).Instructions;
            Assert.SkipWhen(instructions.Count == 0, "there is no nvdisasm beside ptxas");
            Assert.DoesNotContain(instructions, i => Is("FMUL", i)); // every multiplication is fused with its addition
            var loops = Loops(instructions).Where(l => l.Any(i => Is("FFMA", i))).ToList();
            foreach (var loop in loops) output.WriteLine($"{name} {architecture}: a loop of {loop.Count} instructions, {Ratio(loop):P1} of them FFMA");
            Assert.True(Ratio(loops.MaxBy(Ratio)!) > 0.88);
        }
    }

    /// <summary>
    /// An HMMA keeps an A100's tensor cores busy for eight clocks in which a warp can begin other instructions, of its own or of the two warps
    /// beside it: at less than seven others an HMMA the tensor cores are what a strip waits for.
    /// </summary>
    [Theory]
    [InlineData("TensorProducts.Convolve")]
    [InlineData("TensorProducts.ConvolveBackwardWeights")]
    public void TensorProductsKeepTheTensorCoresBusy(string name)
    {
        foreach (string architecture in Ptxas.Architectures())
        {
            var instructions = Ptxas.Assemble(PtxKernel.Named(name), architecture).Instructions;
            Assert.SkipWhen(instructions.Count == 0, "there is no nvdisasm beside ptxas");
            var loop = Loops(instructions).First(l => l.Any(i => Is("HMMA", i)));
            int multiplications = loop.Count(i => Is("HMMA", i));
            output.WriteLine($"{name} {architecture}: a loop of {loop.Count} instructions, {multiplications} of them HMMA");
            Assert.Equal(32, multiplications);
            Assert.InRange(loop.Count, 0, 8 * multiplications);
        }
    }

    static double Ratio(IReadOnlyList<string> instructions) => (double)instructions.Count(i => Is("FFMA", i)) / instructions.Count;

    static bool Is(string operation, string instruction) => Regex.IsMatch(instruction, $@"^(@!?U?P\w+ )?{operation}\b");

    /// <summary>What lies between a label and a jump back to it, loops within it included once.</summary>
    static IEnumerable<List<string>> Loops(IReadOnlyList<string> instructions)
    {
        var labels = new Dictionary<string, int>();
        for (int i = 0; i < instructions.Count; i++)
        {
            if (instructions[i].EndsWith(':')) labels[instructions[i].TrimEnd(':')] = i;
            var jump = Regex.Match(instructions[i], @"BRA.*\((\.L_x_\d+)\)");
            if (jump.Success && labels.TryGetValue(jump.Groups[1].Value, out int start)) yield return [.. instructions.Skip(start).Take(i - start + 1).Where(l => !l.EndsWith(':'))];
        }
    }
}
