using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// Local response normalisation and maximum pooling in one go, forward and backward. Normalised rows live in a ring of as many as a window
/// is high, for a strip of the picture at a time, and never reach memory: of the largest activations of
/// the network only the rectified one is read and, backward, its gradient written.
/// </summary>
internal unsafe struct NormalizedPooling : IWork
{
    /// <summary>Floats of the rings that a strip may have: little enough to stay in the caches, as much as keeps the pixels that strips share few.</summary>
    const int RingFloats = 512 << 10;

    public float* Input; // [B / 32][H][W][C][32], rectified
    public int ImageBlocks, C, H, W;
    public LocalResponse Response;
    public int Size, Stride, OH, OW;
    public float* Output; // [B / 32][OH][OW][C][32]; backward it is read
    public bool IsBackward;
    public float* DOutput; // backward only, as DInput
    public float* DInput;
    public bool StoreThrough;
    public float* Scratch; // ScratchFloats for each part

    Strip strip;

    /// <summary>Some windows of every row, and the rings of the pixels under them.</summary>
    struct Strip
    {
        public int First, Last; // windows
        public int Left, Right; // pixels
        public nint RingRow;
        public float* Scales, Steeper, Gradients; // rings; forward the first holds what is normalised
        public float* Squares, Products;
    }

    /// <summary>Windows in a row of a strip: as many as fit, a row if it fits.</summary>
    readonly int WindowsTogether => Math.Clamp((RingFloats / (Rings * RingRows * C * Lanes) - Size) / Stride + 1, 1, OW);

    /// <summary>Images taken together: all 32 of a block forward, where there is one ring; half of them backward, where there are three.</summary>
    readonly int Lanes => IsBackward ? 16 : 32;

    readonly int Rings => IsBackward ? 3 : 1;

    readonly int RingRows => Math.Max(Size, Stride);

    /// <summary>Pixels of a strip, with those that its windows share with its neighbours or, at the end, leave over.</summary>
    readonly int RingWidth => Math.Min(W, (WindowsTogether + 1) * Stride + 2 * Size);

    /// <summary>Floats for one part.</summary>
    public readonly long ScratchFloats => (long)Rings * RingRows * RingWidth * C * Lanes + LocalResponseNorm.ScratchOf(C, Response);

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int windows = WindowsTogether, strips = (OW + windows - 1) / windows, halves = 32 / Lanes;
        var (from, to) = IWork.Share((long)ImageBlocks * strips * halves, part, parts);
        nint row = (nint)RingWidth * C * Lanes, ring = RingRows * row;
        float* scratch = Scratch + part * ScratchFloats, squares = scratch + Rings * ring;
        new Span<float>(squares, (int)LocalResponseNorm.ScratchOf(C, Response)).Clear();
        for (int unit = from; unit < to; unit++)
        {
            nint block = unit / halves / strips, lane = unit % halves * Lanes;
            var here = this;
            here.Input += block * H * W * C * 32 + lane;
            here.Output += block * OH * OW * C * 32 + lane;
            here.DOutput += block * OH * OW * C * 32 + lane;
            here.DInput += block * H * W * C * 32 + lane;
            here.strip = new Strip
            {
                First = unit / halves % strips * windows,
                Last = Math.Min(OW, (unit / halves % strips + 1) * windows),
                RingRow = row,
                Scales = scratch,
                Steeper = scratch + ring,
                Gradients = scratch + 2 * ring,
                Squares = squares,
                Products = squares + (C + Response.Window) * TVector.Count,
            };
            if (IsBackward) here.Backward<TVector>();
            else here.Forward<TVector>();
        }
    }

    void Forward<TVector>() where TVector : struct, ISimdVector<TVector>
    {
        (strip.Left, strip.Right) = (strip.First * Stride, (strip.Last - 1) * Stride + Size);
        for (int y = 0, rows = 0; y < OH; y++)
        {
            for (rows = Math.Max(rows, y * Stride); rows < y * Stride + Size; rows++) Normalize<TVector>(rows);
            for (int x = strip.First; x < strip.Last; x++) Pool<TVector>(y, x);
        }
    }

    /// <summary>A strip owns the pixels from its first window's left edge to the next strip's; windows that reach into them are taken too.</summary>
    void Backward<TVector>() where TVector : struct, ISimdVector<TVector>
    {
        int ownedFrom = strip.First * Stride, ownedTo = strip.Last == OW ? W : strip.Last * Stride;
        int first = Math.Max(0, (ownedFrom - Size + Stride) / Stride);
        (strip.Left, strip.Right) = (first * Stride, Math.Max(ownedTo, (strip.Last - 1) * Stride + Size));
        for (int y = 0, rows = 0, done = 0; y < OH; y++)
        {
            for (; rows < y * Stride + Size; rows++) Begin<TVector>(rows);
            for (int x = first; x < strip.Last; x++) Scatter<TVector>(y, x);
            for (int end = y == OH - 1 ? H : (y + 1) * Stride; done < end; done++)
            {
                if (done == rows) Begin<TVector>(rows++);
                for (int x = ownedFrom; x < ownedTo; x++) NormalizeBackward<TVector>(done, x);
            }
        }
    }

    readonly nint Pixel(int y, int x) => ((nint)y * W + x) * C * 32;

    readonly nint Ring(int y, int x) => y % RingRows * strip.RingRow + (nint)(x - strip.Left) * C * Lanes;

    readonly void Normalize<TVector>(int y) where TVector : struct, ISimdVector<TVector>
    {
        for (int x = strip.Left; x < strip.Right; x++)
            for (int n = 0; n < Lanes; n += TVector.Count)
                LocalResponseNorm.Forward<TVector>(Response, C, Input + Pixel(y, x) + n, 32, strip.Squares, strip.Scales + Ring(y, x) + n, Lanes);
    }

    // In these loops fields are copied to locals: the JIT must assume that a store through a pointer changes a field.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Pool<TVector>(int y, int x) where TVector : struct, ISimdVector<TVector>
    {
        int lanes = Lanes, size = Size;
        float** rows = stackalloc float*[size];
        for (int r = 0; r < size; r++) rows[r] = strip.Scales + Ring(y * Stride + r, x * Stride);
        float* output = Output + ((nint)y * OW + x) * C * 32;
        nint channels = C, right = channels * lanes;
        for (nint c = 0; c < channels; c++)
            for (int n = 0; n < lanes; n += TVector.Count)
            {
                TVector max = TVector.Load(rows[0] + c * lanes + n);
                for (int r = 0; r < size; r++)
                {
                    float* row = rows[r] + c * lanes + n;
                    for (int s = 0; s < size; s++, row += right) max = TVector.Max(max, TVector.Load(row));
                }
                TVector.Store(max, output + c * 32 + n);
            }
    }

    /// <summary>What both directions of a row of pixels need of its norms, and gradients of zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Begin<TVector>(int y) where TVector : struct, ISimdVector<TVector>
    {
        int channels = C, lanes = Lanes;
        var response = Response;
        var rings = strip;
        for (int x = rings.Left; x < rings.Right; x++)
            for (int n = 0; n < lanes; n += TVector.Count)
            {
                LocalResponseNorm.Squares<TVector>(Input + Pixel(y, x) + n, 32, channels, response.Window, rings.Squares);
                nint ring = Ring(y, x) + n;
                for (int c = 0; c < channels; c++, ring += lanes)
                {
                    var (scale, steeper) = LocalResponseNorm.Powers<TVector>(response, rings.Squares, c);
                    TVector.Store(scale, rings.Scales + ring);
                    TVector.Store(steeper, rings.Steeper + ring);
                    TVector.Store(TVector.Zero, rings.Gradients + ring);
                }
            }
    }

    /// <summary>The first maximum of a window, in row-major order, takes its gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Scatter<TVector>(int y, int x) where TVector : struct, ISimdVector<TVector>
    {
        int lanes = Lanes, size = Size;
        float** inputs = stackalloc float*[size], scales = stackalloc float*[size];
        for (int r = 0; r < size; r++)
        {
            inputs[r] = Input + Pixel(y * Stride + r, x * Stride);
            scales[r] = strip.Scales + Ring(y * Stride + r, x * Stride);
        }
        nint window = ((nint)y * OW + x) * C * 32, gradients = (nint)(strip.Gradients - strip.Scales), channels = C, right = channels * lanes;
        float* output = Output + window, dOutput = DOutput + window;
        for (nint c = 0; c < channels; c++)
            for (int n = 0; n < lanes; n += TVector.Count)
            {
                nint channel = c * 32 + n;
                TVector max = TVector.Load(output + channel), d = TVector.Load(dOutput + channel), taken = TVector.Zero;
                for (int r = 0; r < size; r++)
                {
                    float* input = inputs[r] + channel, scale = scales[r] + c * lanes + n;
                    for (int s = 0; s < size; s++, input += 32 * channels, scale += right)
                    {
                        TVector first = TVector.AndNot(TVector.IsEqual(TVector.Load(input) * TVector.Load(scale), max), taken);
                        TVector.Store(TVector.Load(scale + gradients) + (first & d), scale + gradients);
                        taken |= first;
                    }
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void NormalizeBackward<TVector>(int y, int x) where TVector : struct, ISimdVector<TVector>
    {
        int channels = C, lanes = Lanes;
        var response = Response;
        float* products = strip.Products;
        bool through = StoreThrough && TVector.Count == Cache.LineFloats; // half a line past the caches is slower than through them
        for (int n = 0; n < lanes; n += TVector.Count)
        {
            nint ring = Ring(y, x) + n;
            float* input = Input + Pixel(y, x) + n, dInput = DInput + Pixel(y, x) + n;
            float* scales = strip.Scales + ring, steeper = strip.Steeper + ring, gradients = strip.Gradients + ring;
            for (int c = 0; c < channels; c++)
            {
                TVector product = TVector.Load(gradients + c * lanes) * TVector.Load(input + c * 32) * TVector.Load(steeper + c * lanes);
                TVector.Store(product, products + (c + response.Window / 2) * TVector.Count);
            }
            for (int c = 0; c < channels; c++)
            {
                TVector i = TVector.Load(input + c * 32), scaled = TVector.Load(gradients + c * lanes) * TVector.Load(scales + c * lanes);
                TVector d = TVector.IsPositive(i) & LocalResponseNorm.Gradient(response, i, products, c, scaled);
                if (through) TVector.StoreThrough(d, dInput + c * 32);
                else TVector.Store(d, dInput + c * 32);
            }
        }
    }
}
