using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu.Winograd;

/// <summary>What is done to a result before it is stored.</summary>
internal unsafe struct Finish
{
    /// <summary>One for every 32 floats, or null.</summary>
    public float* Bias;
    public bool Rectify;

    /// <summary>Past the caches.</summary>
    public bool Through;
}

/// <summary>
/// A square of memory blocks into another: one transform down the columns, then one along the rows. Blocks are given by pointers, in
/// row-major order; element n of every block belongs together, so vectors need no shuffles and the border is a pointer to zeros.
/// </summary>
internal static unsafe class TileTransform
{
    /// <summary>Most blocks in a square.</summary>
    public const int Blocks = 64;

    const int Together = 32;

    /// <param name="down">Transform of columns.</param>
    /// <param name="along">Transform of rows.</param>
    /// <param name="from">down.From() x along.From() blocks.</param>
    /// <param name="floats">Floats of a block, a multiple of 16.</param>
    /// <param name="to">down.To() x along.To() blocks.</param>
    /// <param name="offset">Where in those blocks the result begins.</param>
    /// <param name="finish">Bias and rectifier.</param>
    public static void Run<TVector>(LineTransform down, LineTransform along, float** from, nint floats, float** to, nint offset = 0, Finish finish = default)
        where TVector : struct, ISimdVector<TVector>
    {
        float* between = stackalloc float[Blocks * Together];
        int width = along.From(), height = down.To();
        for (nint n = 0; n < floats; n += Together)
        {
            int together = (int)Math.Min(Together, floats - n);
            Lines<TVector, Scattered, Strided>(down, width, together, new(from, 1, width, n), new(between, Together, width * Together));
            var lines = new Strided(between, width * Together, Together);
            var destination = new Scattered(to, along.To(), 1, offset + n);
            if (finish.Bias == null && !finish.Rectify && !finish.Through) Lines<TVector, Strided, Scattered>(along, height, together, lines, destination);
            else Lines<TVector, Strided, Finished>(along, height, together, lines, new(destination, finish.Bias == null ? 0 : finish.Bias[n / Together], finish.Rectify, finish.Through));
        }
    }

    /// <summary>A single line, its elements so many floats apart.</summary>
    public static void Line<TVector>(LineTransform transform, float* from, float* to, int floats)
        where TVector : struct, ISimdVector<TVector> => Lines<TVector, Strided, Strided>(transform, 1, floats, new(from, 0, floats), new(to, 0, floats));

    static void Lines<TVector, TFrom, TTo>(LineTransform transform, int lines, int floats, TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>
    {
        switch (transform)
        {
            case LineTransform.Inputs6: Lines<TVector, Inputs6, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Inputs7: Lines<TVector, Inputs7, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Inputs8: Lines<TVector, Inputs8, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Evaluate3At7: Lines<TVector, Evaluate<Size3At7>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Evaluate4At6: Lines<TVector, Evaluate<Size4At6>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Evaluate4At8: Lines<TVector, Evaluate<Size4At8>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Evaluate5At7: Lines<TVector, Evaluate<Size5At7>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Gather3From7: Lines<TVector, Gather<Size3At7>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Gather4From6: Lines<TVector, Gather<Size4At6>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Gather4From8: Lines<TVector, Gather<Size4At8>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.Gather5From7: Lines<TVector, Gather<Size5At7>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.EvaluateWeights3At7: Lines<TVector, EvaluateWeights<Size3At7>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.EvaluateWeights5At8: Lines<TVector, EvaluateWeights<Size5At8>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.GatherWeights3From7: Lines<TVector, GatherWeights<Size3At7>, TFrom, TTo>(lines, floats, from, to); break;
            case LineTransform.GatherWeights5From8: Lines<TVector, GatherWeights<Size5At8>, TFrom, TTo>(lines, floats, from, to); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Lines<TVector, TTransform, TFrom, TTo>(int lines, int floats, TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TTransform : struct, ILineTransform
        where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>
    {
        for (int line = 0; line < lines; line++)
            for (int n = 0; n < floats; n += TVector.Count)
                TTransform.Run<TVector, TFrom, TTo>(from.At(line, n), to.At(line, n));
    }

    /// <summary>Elements at equal distances.</summary>
    readonly struct Strided(float* first, nint line, nint step) : ILine<Strided>
    {
        readonly float* first = first;
        readonly nint line = line, step = step;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Strided At(int line, int n) => new(first + line * this.line + n, this.line, step);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Load<TVector>(int index) where TVector : struct, ISimdVector<TVector> => TVector.Load(first + index * step);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store<TVector>(int index, TVector value) where TVector : struct, ISimdVector<TVector> => TVector.Store(value, first + index * step);
    }

    /// <summary>Elements of blocks that lie anywhere.</summary>
    readonly struct Scattered(float** blocks, nint line, nint step, nint offset) : ILine<Scattered>
    {
        readonly float** blocks = blocks;
        readonly nint line = line, step = step, offset = offset;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Scattered At(int line, int n) => new(blocks + line * this.line, this.line, step, offset + n);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Load<TVector>(int index) where TVector : struct, ISimdVector<TVector> => TVector.Load(blocks[index * step] + offset);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store<TVector>(int index, TVector value) where TVector : struct, ISimdVector<TVector> => TVector.Store(value, blocks[index * step] + offset);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void StoreThrough<TVector>(int index, TVector value) where TVector : struct, ISimdVector<TVector> => TVector.StoreThrough(value, blocks[index * step] + offset);
    }

    /// <summary>Stores what is finished.</summary>
    readonly struct Finished(Scattered blocks, float bias, bool rectify, bool through) : ILine<Finished>
    {
        readonly Scattered blocks = blocks;
        readonly float bias = bias;
        readonly bool rectify = rectify, through = through;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Finished At(int line, int n) => new(blocks.At(line, n), bias, rectify, through);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Load<TVector>(int index) where TVector : struct, ISimdVector<TVector> => blocks.Load<TVector>(index);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store<TVector>(int index, TVector value) where TVector : struct, ISimdVector<TVector>
        {
            value += TVector.Broadcast(bias);
            if (rectify) value = TVector.Rectify(value);
            if (through && TVector.Count == Cache.LineFloats) blocks.StoreThrough(index, value);
            else blocks.Store(index, value);
        }
    }
}
