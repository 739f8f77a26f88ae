using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>dOutput = 0 wherever output is not above 0.</summary>
internal unsafe struct RectifyBackward : IWork
{
    public float* Output, DOutput;
    public long Floats;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = Elementwise.Share(Floats, part, parts);
        for (nint n = from; n < to; n += TVector.Count)
            TVector.Store(TVector.IsPositive(TVector.Load(Output + n)) & TVector.Load(DOutput + n), DOutput + n);
    }
}

/// <summary>values *= factor.</summary>
internal unsafe struct Scale : IWork
{
    public float Factor;
    public float* Values;
    public long Floats;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        TVector factor = TVector.Broadcast(Factor);
        var (from, to) = Elementwise.Share(Floats, part, parts);
        for (nint n = from; n < to; n += TVector.Count) TVector.Store(factor * TVector.Load(Values + n), Values + n);
    }
}

/// <summary>The paper's update rule (section 5).</summary>
internal unsafe struct Descend : IWork
{
    public float* Gradient;
    public float Rate, Momentum, Decay;
    public float* Velocity, Weights;
    public long Floats;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        TVector rate = TVector.Broadcast(-Rate), momentum = TVector.Broadcast(Momentum), decay = TVector.Broadcast(-Decay * Rate);
        var (from, to) = Elementwise.Share(Floats, part, parts);
        for (nint n = from; n < to; n += TVector.Count)
        {
            TVector w = TVector.Load(Weights + n);
            TVector v = TVector.MultiplyAdd(momentum, TVector.Load(Velocity + n), TVector.MultiplyAdd(decay, w, rate * TVector.Load(Gradient + n)));
            TVector.Store(v, Velocity + n);
            TVector.Store(w + v, Weights + n);
        }
    }
}

/// <summary>Dropout of [B / 32][C][32], by the random number of each (feature, image).</summary>
internal unsafe struct Dropout : IWork
{
    public Philox Random;
    public ulong Threshold;
    public int FirstFeature, Images, C;
    public float* Activation;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share(C, part, parts);
        for (int c = from; c < to; c++)
        {
            ulong first = (ulong)(FirstFeature + c) * (ulong)Images, end = first + (ulong)Images;
            for (ulong block = first >> 2; block << 2 < end; block++)
            {
                var (x0, x1, x2, x3) = Random.Block(block);
                Drop(x0, block << 2, first, end, c);
                Drop(x1, block << 2 | 1, first, end, c);
                Drop(x2, block << 2 | 2, first, end, c);
                Drop(x3, block << 2 | 3, first, end, c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    readonly void Drop(uint word, ulong element, ulong first, ulong end, int c)
    {
        if (word >= Threshold || element < first || element >= end) return;
        int image = (int)(element - first);
        Activation[((nint)(image / 32) * C + c) * 32 + image % 32] = 0;
    }
}

internal static class Elementwise
{
    /// <summary>The floats [From, To) of a part, in sixteens: tensors hold nothing but whole ones.</summary>
    public static (nint From, nint To) Share(long floats, int part, int parts) =>
        ((nint)(floats / 16 * part / parts * 16), (nint)(floats / 16 * (part + 1) / parts * 16));
}
