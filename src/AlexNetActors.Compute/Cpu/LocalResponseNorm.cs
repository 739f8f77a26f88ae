using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// Local response normalisation, forward and backward. Squares of a pixel's channels go to a little scratch with zeros on both sides,
/// so that a window is a plain sum of neighbours in a fixed order; y^-1.75 is 1 / (y * sqrt(y) * sqrt(sqrt(y))) and y^-0.75 that times y: only
/// correctly rounded operations, the same at every level.
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
        float* squares = Scratch + part * ScratchOf(C, Response);
        new Span<float>(squares, (int)ScratchOf(C, Response)).Clear();
        for (int pixel = from; pixel < to; pixel++)
            for (int n = 0; n < 32; n += TVector.Count)
            {
                nint offset = (nint)pixel * C * 32 + n;
                if (DOutput == null) Forward<TVector>(Response, C, Input + offset, 32, squares, Output + offset, 32);
                else Backward<TVector>(Response, C, Input + offset, DOutput + offset, squares, Output + offset);
            }
    }

    /// <summary>One vector of one pixel. Steps are floats from channel to channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TVector>(LocalResponse response, int C, float* input, nint step, float* squares, float* output, nint outputStep)
        where TVector : struct, ISimdVector<TVector>
    {
        Squares<TVector>(input, step, C, response.Window, squares);
        for (int c = 0; c < C; c++)
        {
            var (scale, _) = Powers<TVector>(response, squares, c);
            TVector.Store(TVector.Load(input + c * step) * scale, output + c * outputStep);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Backward<TVector>(LocalResponse response, int C, float* input, float* dOutput, float* squares, float* dInput)
        where TVector : struct, ISimdVector<TVector>
    {
        float* products = squares + (C + response.Window) * TVector.Count;
        Squares<TVector>(input, 32, C, response.Window, squares);
        for (int c = 0; c < C; c++)
        {
            var (scale, steeper) = Powers<TVector>(response, squares, c);
            TVector d = TVector.Load(dOutput + c * 32);
            TVector.Store(d * TVector.Load(input + c * 32) * steeper, products + (c + response.Window / 2) * TVector.Count);
            TVector.Store(d * scale, dInput + c * 32);
        }
        for (int c = 0; c < C; c++)
            TVector.Store(Gradient(response, TVector.Load(input + c * 32), products, c, TVector.Load(dInput + c * 32)), dInput + c * 32);
    }

    /// <summary>y^-0.75 and y^-1.75 of y = k + alpha * sum of the squares in channel c's window.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TVector Scale, TVector Steeper) Powers<TVector>(LocalResponse response, float* squares, int c) where TVector : struct, ISimdVector<TVector>
    {
        TVector y = TVector.MultiplyAdd(TVector.Broadcast(response.Alpha), WindowSum<TVector>(squares, c, response.Window), TVector.Broadcast(response.K));
        TVector root = TVector.Sqrt(y), steeper = TVector.Broadcast(1) / (y * root * TVector.Sqrt(root));
        return (y * steeper, steeper);
    }

    /// <summary>dInput_c = dOutput_c * y_c^-0.75 - 2 * 0.75 * alpha * input_c * sum over the window of products dOutput_j * input_j * y_j^-1.75.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Gradient<TVector>(LocalResponse response, TVector input, float* products, int c, TVector scaledOutput) where TVector : struct, ISimdVector<TVector> =>
        TVector.MultiplyAdd(TVector.Broadcast(-2 * LocalResponse.Beta * response.Alpha) * input, WindowSum<TVector>(products, c, response.Window), scaledOutput);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Squares<TVector>(float* input, nint step, int C, int window, float* squares) where TVector : struct, ISimdVector<TVector>
    {
        int half = window / 2;
        for (int c = 0; c < C; c++)
        {
            TVector x = TVector.Load(input + c * step);
            TVector.Store(x * x, squares + (c + half) * TVector.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TVector WindowSum<TVector>(float* values, int c, int window) where TVector : struct, ISimdVector<TVector>
    {
        TVector sum = TVector.Load(values + c * TVector.Count);
        for (int j = 1; j < window; j++) sum += TVector.Load(values + (c + j) * TVector.Count);
        return sum;
    }
}
