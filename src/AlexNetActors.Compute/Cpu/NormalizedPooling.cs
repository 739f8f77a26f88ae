using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// Local response normalisation and maximum pooling in one go, forward and backward. Normalised rows live in a ring of as many as a window
/// is high, for a strip of the picture and half of a block's images at a time, and never reach memory: of the largest activations of
/// the network only the rectified one is read and, backward, its gradient written.
/// </summary>
internal unsafe struct NormalizedPooling : IWork
{
    /// <summary>Images taken together: what lies next to each other of a pixel's channel is two of these.</summary>
    const int Lanes = 16;

    /// <summary>Floats of the rings that a strip may have: little enough to stay in the caches, as much as keeps the pixels that strips share few.</summary>
    const int RingFloats = 512 << 10;

    public float* Input; // [B / 32][H][W][C][32], rectified
    public int ImageBlocks, C, H, W;
    public LocalResponse Response;
    public int Size, Stride, OH, OW;
    public float* Output; // [B / 32][OH][OW][C][32]; backward it is read
    public float* DOutput; // null: forward
    public float* DInput;
    public bool StoreThrough;
    public float* Scratch; // ScratchOf floats for each part

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

    readonly int Rings => DOutput == null ? 1 : 3;

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
            if (DOutput == null) here.Forward<TVector>();
            else here.Backward<TVector>();
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Pool<TVector>(int y, int x) where TVector : struct, ISimdVector<TVector>
    {
        nint* ring = stackalloc nint[Size * Size];
        for (int i = 0; i < Size * Size; i++) ring[i] = Ring(y * Stride + i / Size, x * Stride + i % Size);
        float* output = Output + ((nint)y * OW + x) * C * 32;
        for (nint c = 0; c < C; c++)
            for (int n = 0; n < Lanes; n += TVector.Count)
            {
                float* channel = strip.Scales + c * Lanes + n;
                TVector max = TVector.Load(channel + ring[0]);
                for (int i = 1; i < Size * Size; i++) max = TVector.Max(max, TVector.Load(channel + ring[i]));
                TVector.Store(max, output + c * 32 + n);
            }
    }

    /// <summary>What both directions of a row of pixels need of its norms, and gradients of zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Begin<TVector>(int y) where TVector : struct, ISimdVector<TVector>
    {
        for (int x = strip.Left; x < strip.Right; x++)
            for (int n = 0; n < Lanes; n += TVector.Count)
            {
                LocalResponseNorm.Squares<TVector>(Input + Pixel(y, x) + n, 32, C, Response.Window, strip.Squares);
                nint ring = Ring(y, x) + n;
                for (int c = 0; c < C; c++, ring += Lanes)
                {
                    var (scale, steeper) = LocalResponseNorm.Powers<TVector>(Response, strip.Squares, c);
                    TVector.Store(scale, strip.Scales + ring);
                    TVector.Store(steeper, strip.Steeper + ring);
                    TVector.Store(TVector.Zero, strip.Gradients + ring);
                }
            }
    }

    /// <summary>The first maximum of a window, in row-major order, takes its gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Scatter<TVector>(int y, int x) where TVector : struct, ISimdVector<TVector>
    {
        nint* ring = stackalloc nint[Size * Size], pixels = stackalloc nint[Size * Size];
        for (int i = 0; i < Size * Size; i++)
        {
            ring[i] = Ring(y * Stride + i / Size, x * Stride + i % Size);
            pixels[i] = Pixel(y * Stride + i / Size, x * Stride + i % Size);
        }
        nint window = ((nint)y * OW + x) * C * 32;
        for (nint c = 0; c < C; c++)
            for (int n = 0; n < Lanes; n += TVector.Count)
            {
                nint channel = c * 32 + n, place = c * Lanes + n;
                TVector max = TVector.Load(Output + window + channel), d = TVector.Load(DOutput + window + channel), taken = TVector.Zero;
                for (int i = 0; i < Size * Size; i++)
                {
                    TVector normalized = TVector.Load(Input + pixels[i] + channel) * TVector.Load(strip.Scales + ring[i] + place);
                    TVector first = TVector.AndNot(TVector.IsEqual(normalized, max), taken);
                    float* gradient = strip.Gradients + ring[i] + place;
                    TVector.Store(TVector.Load(gradient) + (first & d), gradient);
                    taken |= first;
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void NormalizeBackward<TVector>(int y, int x) where TVector : struct, ISimdVector<TVector>
    {
        for (int n = 0; n < Lanes; n += TVector.Count)
        {
            float* input = Input + Pixel(y, x) + n, dInput = DInput + Pixel(y, x) + n;
            nint ring = Ring(y, x) + n;
            for (int c = 0; c < C; c++)
            {
                TVector d = TVector.Load(strip.Gradients + ring + c * Lanes), steeper = TVector.Load(strip.Steeper + ring + c * Lanes);
                TVector.Store(d * TVector.Load(input + c * 32) * steeper, strip.Products + (c + Response.Window / 2) * TVector.Count);
            }
            for (int c = 0; c < C; c++)
            {
                TVector i = TVector.Load(input + c * 32), scaled = TVector.Load(strip.Gradients + ring + c * Lanes) * TVector.Load(strip.Scales + ring + c * Lanes);
                TVector d = TVector.IsPositive(i) & LocalResponseNorm.Gradient(Response, i, strip.Products, c, scaled);
                if (StoreThrough) TVector.StoreThrough(d, dInput + c * 32);
                else TVector.Store(d, dInput + c * 32);
            }
        }
    }
}
