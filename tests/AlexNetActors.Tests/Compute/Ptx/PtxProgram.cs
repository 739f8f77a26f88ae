namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>A kernel's PTX, parsed. Addresses of shared and local variables are fixed, every register has a number.</summary>
/// <param name="ParameterBytes">Of all parameters together.</param>
/// <param name="SharedBytes">Of a group.</param>
/// <param name="LocalBytes">Of a thread.</param>
/// <param name="ThreadsMax">Of a group, or 0 where the program does not say.</param>
sealed record PtxProgram(
    string Name, IReadOnlyList<PtxParameter> Parameters, int ParameterBytes, int SharedBytes, int LocalBytes, int Registers, int ThreadsMax, PtxInstruction[] Instructions);

sealed record PtxParameter(string Name, int Offset, int Bytes);

/// <summary>
/// An instruction: either a thread executes it alone, or the threads of a warp do so together, or it is the barrier at which all of a group
/// wait.
/// </summary>
/// <param name="Guard">A register: executed where it is true; null: always.</param>
/// <param name="GuardValue">False where the guard is negated.</param>
sealed record PtxInstruction(string Text, int Line, PtxOperand? Guard, bool GuardValue, Action<PtxThread>? Alone, Action<IReadOnlyList<PtxThread>>? Together)
{
    public bool IsBarrier => Alone is null && Together is null;

    public override string ToString() => $"line {Line}, {Text}";
}

/// <summary>What stands behind an opcode. Values are bits: float32 and 32-bit integers in the lower half, predicates 0 or 1.</summary>
abstract class PtxOperand
{
    public virtual ulong Read(PtxThread thread) => throw new PtxFault($"{GetType().Name} has no value");
    public virtual void Write(PtxThread thread, ulong value) => throw new PtxFault($"{GetType().Name} cannot be written");

    /// <summary>The elements of a vector; a scalar is a vector of one.</summary>
    public virtual IReadOnlyList<PtxOperand> Elements => [this];
}

sealed class PtxRegister(int number) : PtxOperand
{
    public override ulong Read(PtxThread thread) => thread.Registers[number];
    public override void Write(PtxThread thread, ulong value) => thread.Registers[number] = value;
}

sealed class PtxConstant(ulong value) : PtxOperand
{
    public override ulong Read(PtxThread thread) => value;
}

/// <summary>%tid.x and its like.</summary>
sealed class PtxSpecial(Func<PtxThread, int> value) : PtxOperand
{
    public override ulong Read(PtxThread thread) => (uint)value(thread);
}

sealed class PtxAddress(PtxOperand start, long offset) : PtxOperand
{
    public override ulong Read(PtxThread thread) => start.Read(thread) + (ulong)offset;
}

sealed class PtxVector(IReadOnlyList<PtxOperand> elements) : PtxOperand
{
    public override IReadOnlyList<PtxOperand> Elements => elements;
}

/// <summary>A place in the program; known when all of it is parsed.</summary>
sealed class PtxLabel(string name) : PtxOperand
{
    public string Name => name;
    public int Target { get; set; }
}

/// <summary>The program does what no program may, or what this machine does not know.</summary>
sealed class PtxFault(string message) : Exception(message);
