using ILGPU;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// Normalisation over windows of five channels, the paper's: as <see cref="Maps"/> does it, to the bit, but a thread walks up the channels of one
/// place and takes along what neighbours share. Each value is loaded once and each norm made once, where otherwise a gradient makes ten.
/// </summary>
static class WalkedMaps
{
    public const int Window = 5;

    /// <summary>output = a / (k + alpha * sum of a^2 over the window's channels)^0.75 (paper section 3.3).</summary>
    /// <param name="s">Shape and constants.</param>
    /// <param name="input">[C, plane]</param>
    /// <param name="output">[C, plane]</param>
    public static void Normalize(NormShape s, ArrayView<float> input, ArrayView<float> output)
    {
        int step = Grid.DimX * Group.DimX;
        for (int p = Grid.IdxX * Group.DimX + Group.IdxX; p < s.Plane; p += step)
        {
            float a0 = 0, a1 = 0, a2 = input[p], a3 = s.Channels > 1 ? input[p + s.Plane] : 0; // of channels c - 2 to c + 1
            for (int c = 0, at = p; c < s.Channels; c++, at += s.Plane)
            {
                float a4 = c + 2 < s.Channels ? input[at + 2 * s.Plane] : 0;
                output[at] = a2 * Maps.InverseNorm(Norm(s, a0, a1, a2, a3, a4));
                a0 = a1;
                a1 = a2;
                a2 = a3;
                a3 = a4;
            }
        }
    }

    /// <summary>dInput = gradient of <see cref="Normalize"/>, and, if asked, of the rectifier that made its input.</summary>
    /// <param name="s">Shape and constants.</param>
    /// <param name="rectify">1 when the gradient is 0 wherever the input is not above 0.</param>
    /// <param name="input">[C, plane]</param>
    /// <param name="dOutput">[C, plane]</param>
    /// <param name="dInput">[C, plane]</param>
    public static void NormalizeBackward(NormShape s, int rectify, ArrayView<float> input, ArrayView<float> dOutput, ArrayView<float> dInput)
    {
        int step = Grid.DimX * Group.DimX;
        for (int p = Grid.IdxX * Group.DimX + Group.IdxX; p < s.Plane; p += step)
        {
            // Inputs of channels c - 2 to c + 1; shares of the windows around c - 4 to c - 1; dO d^-b of c - 2 and c - 1. A window of no channel has none.
            float a0 = 0, a1 = 0, a2 = input[p], a3 = s.Channels > 1 ? input[p + s.Plane] : 0;
            float share0 = 0, share1 = 0, share2 = 0, share3 = 0, own0 = 0, own1 = 0;
            for (int c = 0, at = p; c < s.Channels + 2; c++, at += s.Plane)
            {
                float a4 = c + 2 < s.Channels ? input[at + 2 * s.Plane] : 0, share4 = 0, own2 = 0;
                if (c < s.Channels)
                {
                    float norm = Norm(s, a0, a1, a2, a3, a4);
                    own2 = dOutput[at] * Maps.InverseNorm(norm);
                    share4 = own2 * a2 / norm;
                }
                if (c >= 2)
                {
                    float sum = share0 + share1 + share2 + share3 + share4;
                    dInput[at - 2 * s.Plane] = rectify != 0 && !(a0 > 0) ? 0 : own0 - 2 * LocalResponse.Beta * s.Alpha * a0 * sum;
                }
                share0 = share1;
                share1 = share2;
                share2 = share3;
                share3 = share4;
                own0 = own1;
                own1 = own2;
                a0 = a1;
                a1 = a2;
                a2 = a3;
                a3 = a4;
            }
        }
    }

    /// <summary>The squares one after the other, as a loop adds them.</summary>
    static float Norm(NormShape s, float a0, float a1, float a2, float a3, float a4) => s.K + s.Alpha * (a4 * a4 + (a3 * a3 + (a2 * a2 + (a1 * a1 + a0 * a0))));
}
