using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AlexNetActors.Compute.Cpu;

/// <summary>uint8 crops into the network's input: minus the mean image under each, plus a colour shift.</summary>
internal unsafe struct LoadCrops : IWork
{
    public byte* Pixels; // [B][H][W][3]
    public Placement* Placements; // [B]
    public float* ColourShift; // [B][3]
    public float* Mean; // [RH][MeanWidth][3]
    public int MeanWidth, Images, H, W;
    public float* Scratch; // [33][W][3] for each part: lines of 32 images, and one of the mean image mirrored
    public float* Output; // [B / 32][H][W][3][32]

    /// <summary>Floats for one part.</summary>
    public static long ScratchOf(int width) => 33L * width * 3;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        float* lines = Scratch + part * ScratchOf(W), mirrored = lines + (nint)32 * W * 3;
        var (from, to) = IWork.Share((long)CpuTensor.BlocksOf32(Images) * H, part, parts);
        for (int unit = from; unit < to; unit++)
        {
            int block = unit / H, y = unit % H, images = Math.Min(32, Images - block * 32);
            for (int n = 0; n < images; n++) Line(block * 32 + n, y, mirrored, lines + (nint)n * W * 3);
            Transpose.Copy(lines, W * 3, images, W * 3, Output + (nint)unit * W * 3 * 32, 32);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Line(int image, int y, float* mirrored, float* line)
    {
        const int Floats = 12; // four pixels: three vectors, in each of which the colours begin elsewhere
        var placement = Placements[image];
        byte* pixels = Pixels + ((nint)image * H + y) * W * 3;
        float* mean = Mean + ((nint)(placement.Top + y) * MeanWidth + placement.Left) * 3;
        if (placement.Mirrored) mean = Mirror(mean, mirrored);
        float r = ColourShift[image * 3], g = ColourShift[image * 3 + 1], b = ColourShift[image * 3 + 2];
        Vector128<float> rgbr = Vector128.Create(r, g, b, r), gbrg = Vector128.Create(g, b, r, g), brgb = Vector128.Create(b, r, g, b);
        int n = 0;
        for (; n + Vector128<byte>.Count <= W * 3; n += Floats)
        {
            var bytes = Vector128.Load(pixels + n);
            Vector128<ushort> low = Vector128.WidenLower(bytes), high = Vector128.WidenUpper(bytes);
            (Single(Vector128.WidenLower(low)) - Vector128.Load(mean + n) + rgbr).Store(line + n);
            (Single(Vector128.WidenUpper(low)) - Vector128.Load(mean + n + 4) + gbrg).Store(line + n + 4);
            (Single(Vector128.WidenLower(high)) - Vector128.Load(mean + n + 8) + brgb).Store(line + n + 8);
        }
        for (; n < W * 3; n++) line[n] = pixels[n] - mean[n] + ColourShift[image * 3 + n % 3];
    }

    readonly float* Mirror(float* mean, float* mirrored)
    {
        var line = new Span<Colour>(mirrored, W);
        new Span<Colour>(mean, W).CopyTo(line);
        line.Reverse();
        return mirrored;
    }

    readonly record struct Colour(float Red, float Green, float Blue);

    static Vector128<float> Single(Vector128<uint> value) => Vector128.ConvertToSingle(value.AsInt32());
}
