namespace AlexNetActors.Compute.Cpu;

/// <summary>Working memory of a device: an operation's until the next one takes it.</summary>
internal sealed unsafe class Workspace : IDisposable
{
    readonly NativeBuffer ones = new(32);
    NativeBuffer scratch = new(0), zeros = new(0);

    public Workspace() => new Span<float>(ones.Pointer, 32).Fill(1);

    /// <summary>Buffers made so far.</summary>
    public int Made { get; private set; }

    /// <summary>32 ones.</summary>
    public float* Ones => ones.Pointer;

    /// <summary>So many floats, contents arbitrary.</summary>
    public float* Scratch(long floats) => Of(ref scratch, floats);

    /// <summary>So many zeros.</summary>
    public float* Zeros(long floats) => Of(ref zeros, floats);

    float* Of(ref NativeBuffer buffer, long floats)
    {
        if (floats > buffer.Floats)
        {
            buffer.Dispose();
            buffer = new NativeBuffer(floats);
            Made++;
        }
        return buffer.Pointer;
    }

    public void Dispose()
    {
        scratch.Dispose();
        zeros.Dispose();
        ones.Dispose();
    }
}
