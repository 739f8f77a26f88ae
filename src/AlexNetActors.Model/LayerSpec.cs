namespace AlexNetActors.Model;

/// <summary>One row of the layer table, as the recipe writes it. Widths count both towers.</summary>
/// <param name="Name">conv1 ... fc8.</param>
/// <param name="Kernels">Kernels of a convolution or neurons of a fully connected layer, both towers together.</param>
/// <param name="Size">Side of a kernel; 0 for a fully connected layer.</param>
/// <param name="Stride">Pixels between neighbouring outputs.</param>
/// <param name="Pad">Zeros around the input.</param>
/// <param name="SeesBoth">Whether the kernels see both towers' maps (conv3 and the fully connected layers) or their own tower's only.</param>
/// <param name="Deviation">Standard deviation of the initial weights, N(0, Deviation).</param>
/// <param name="Bias">Initial bias.</param>
/// <param name="Normalize">Local response normalisation after the rectifier.</param>
/// <param name="Pool">Overlapping max pooling at the end.</param>
/// <param name="Dropout">Share of the outputs dropped in training.</param>
public sealed record LayerSpec(
    string Name, int Kernels, int Size = 0, int Stride = 1, int Pad = 0, bool SeesBoth = false,
    float Deviation = 0.01f, float Bias = 0, bool Normalize = false, bool Pool = false, double Dropout = 0)
{
    public bool FullyConnected => Size == 0;
}
