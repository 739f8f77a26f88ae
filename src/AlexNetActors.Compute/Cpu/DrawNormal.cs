namespace AlexNetActors.Compute.Cpu;

/// <summary>Draws a tensor a row at a time, on every thread, and copies it into the tensor's layout while it is in the cache.</summary>
internal unsafe struct DrawNormal : IWork
{
    public Philox Random;
    public ulong First;
    public double Deviation;
    public float* Rows; // [parts][C * taps]
    public CopyWeights Copy;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int features = Copy.Channels * Copy.Taps;
        float* row = Rows + (nint)part * features;
        var (from, to) = IWork.Share(Copy.Kernels, part, parts);
        for (int k = from; k < to; k++)
        {
            Random.FillNormal(First + (ulong)k * (ulong)features, Deviation, new Span<float>(row, features));
            (Copy with { Canonical = row - (nint)k * features }).Copy(k, 1, 0, Copy.Channels);
        }
    }
}
