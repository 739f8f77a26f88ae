using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// Local response normalisation, forward and backward. Squares of a pixel's channels go to a little scratch with zeros on both sides,
/// so that a window is a plain sum of neighbours in a fixed order; y^-0.75 is 1 / (sqrt(y) * sqrt(sqrt(y))): only correctly rounded
/// operations, the same at every level.
/// </summary>
internal unsafe struct LocalResponseNorm : IWork
{
    public float* Input; // [pixels][C][32]
    public float* DOutput; // null: forward
    public int Pixels, C;
    public LocalResponse Response;
    public float* Scratch; // ScratchOf(C, window) floats for each part
    public float* Output; // or DInput

    /// <summary>Floats for one part: two rows of one vector a channel, with half a window before and after.</summary>
    public static long ScratchOf(int channels, LocalResponse response) => 2L * (channels + response.Window) * 16;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share(Pixels, part, parts);
        int row = (C + Response.Window) * TVector.Count;
        float* squares = Scratch + part * ScratchOf(C, Response), products = squares + row;
        new Span<float>(squares, 2 * row).Clear();
        for (int pixel = from; pixel < to; pixel++)
            for (int n = 0; n < 32; n += TVector.Count)
            {
                nint offset = (nint)pixel * C * 32 + n;
                if (DOutput == null) Forward<TVector>(Input + offset, squares, Output + offset);
                else Backward<TVector>(Input + offset, DOutput + offset, squares, products, Output + offset);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Forward<TVector>(float* input, float* squares, float* output) where TVector : struct, ISimdVector<TVector>
    {
        TVector k = TVector.Broadcast(Response.K), alpha = TVector.Broadcast(Response.Alpha);
        Squares<TVector>(input, squares);
        for (int c = 0; c < C; c++)
        {
            TVector y = TVector.MultiplyAdd(alpha, WindowSum<TVector>(squares, c), k), root = TVector.Sqrt(y);
            TVector.Store(TVector.Load(input + c * 32) / (root * TVector.Sqrt(root)), output + c * 32);
        }
    }

    // dInput_c = dOutput_c * y_c^-0.75 - 2 * 0.75 * alpha * input_c * sum over the window of dOutput_j * input_j * y_j^-1.75
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Backward<TVector>(float* input, float* dOutput, float* squares, float* products, float* dInput)
        where TVector : struct, ISimdVector<TVector>
    {
        TVector k = TVector.Broadcast(Response.K), alpha = TVector.Broadcast(Response.Alpha);
        TVector factor = TVector.Broadcast(-2 * LocalResponse.Beta * Response.Alpha), one = TVector.Broadcast(1);
        int half = Response.Window / 2;
        Squares<TVector>(input, squares);
        for (int c = 0; c < C; c++)
        {
            TVector y = TVector.MultiplyAdd(alpha, WindowSum<TVector>(squares, c), k), root = TVector.Sqrt(y);
            TVector inverse = one / (y * root * TVector.Sqrt(root)), d = TVector.Load(dOutput + c * 32);
            TVector.Store(d * TVector.Load(input + c * 32) * inverse, products + (c + half) * TVector.Count);
            TVector.Store(d * (y * inverse), dInput + c * 32);
        }
        for (int c = 0; c < C; c++)
            TVector.Store(TVector.MultiplyAdd(factor * TVector.Load(input + c * 32), WindowSum<TVector>(products, c), TVector.Load(dInput + c * 32)), dInput + c * 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    readonly void Squares<TVector>(float* input, float* squares) where TVector : struct, ISimdVector<TVector>
    {
        int half = Response.Window / 2;
        for (int c = 0; c < C; c++)
        {
            TVector x = TVector.Load(input + c * 32);
            TVector.Store(x * x, squares + (c + half) * TVector.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    readonly TVector WindowSum<TVector>(float* values, int c) where TVector : struct, ISimdVector<TVector>
    {
        TVector sum = TVector.Load(values + c * TVector.Count);
        for (int j = 1; j < Response.Window; j++) sum += TVector.Load(values + (c + j) * TVector.Count);
        return sum;
    }
}
