namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>Makes of an instruction's operands what a thread does.</summary>
delegate Action<PtxThread> PtxAlone(IReadOnlyList<PtxOperand> operands);

/// <summary>Makes of an instruction's operands what the threads of a warp do together.</summary>
delegate Action<IReadOnlyList<PtxThread>> PtxTogether(IReadOnlyList<PtxOperand> operands);

/// <summary>The instructions that ILGPU writes for these kernels, and the tensor cores' that kernels write themselves. No others.</summary>
static class PtxInstructionSet
{
    const string Barrier = "bar.sync";

    static readonly Dictionary<string, PtxAlone> Alone = PtxArithmetic.Instructions.Concat(PtxComparison.Instructions).Concat(PtxAccess.Instructions).Concat(Control).ToDictionary();

    static Dictionary<string, PtxAlone> Control => new()
    {
        ["bra"] = o => Jump((PtxLabel)o[0]),
        ["bra.uni"] = o => Jump((PtxLabel)o[0]),
        ["ret"] = _ => t => t.IsDone = true,
    };

    /// <summary>Both null for the barrier.</summary>
    public static (Action<PtxThread>? Alone, Action<IReadOnlyList<PtxThread>>? Together) Bind(string opcode, IReadOnlyList<PtxOperand> operands)
    {
        if (opcode == Barrier) return (null, null);
        if (Alone.TryGetValue(opcode, out var alone)) return (alone(operands), null);
        if (PtxTensorCores.Instructions.TryGetValue(opcode, out var together)) return (null, together(operands));
        throw new PtxFault($"unknown instruction {opcode}");
    }

    static Action<PtxThread> Jump(PtxLabel label) => t => t.Next = label.Target - 1; // the step follows
}
