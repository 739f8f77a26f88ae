using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>How the rows of A lie in memory: a constant to the JIT.</summary>
internal interface IOperandOrder
{
    /// <summary>Floats from A[i, k] to A[i + 1, k].</summary>
    static abstract int RowStride { get; }

    /// <summary>Whether each step fetches a part of the next run's A: where runs lie far apart, the processor does not foresee it.</summary>
    static abstract bool PrefetchesNextRun { get; }
}

/// <summary>A column of A is contiguous: packed panels, fully connected weights.</summary>
internal readonly struct ColumnsContiguous : IOperandOrder
{
    public static int RowStride => 1;
    public static bool PrefetchesNextRun => false;
}

/// <summary>Every row of A is a run of 32: the images of an activation, the 32 neurons of a block of fully connected weights.</summary>
internal readonly struct RowsOf32 : IOperandOrder
{
    public static int RowStride => 32;
    public static bool PrefetchesNextRun => true;
}

/// <summary>
/// One tile of a matrix product: C[i, j] = sum over runs and steps of A[i, k] * B[k, j], one chain of multiply-adds in that order for
/// each element, whatever the width of the vectors. Then, if asked: + bias[i], + what C held, rectified.
/// </summary>
internal unsafe struct Product
{
    /// <summary>The sum goes over Runs stretches of Steps elements.</summary>
    public nint Runs, Steps;

    public float* A;
    public nint ARun, AStep;

    public float* B;
    public nint BRun, BStep;

    public float* C;
    public nint CRow;

    /// <summary>One for each row, or null.</summary>
    public float* Bias;
    public bool Add, Rectify;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Finish<TVector>(int row, TVector sum, float* c) where TVector : struct, ISimdVector<TVector>
    {
        if (Bias != null) sum += TVector.Broadcast(Bias[row]);
        if (Add) sum += TVector.Load(c);
        if (Rectify) sum = TVector.Rectify(sum);
        TVector.Store(sum, c);
    }
}
