using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>
/// What is done to a training record on its way into a batch (paper section 4.1): a random crop, mirrored half of the time, and a colour
/// shift. Every draw is a pure function of (seed, position in the sample stream), so a sample looks the same whoever loads it.
/// </summary>
/// <param name="CropSize">Side of the crop in pixels; 224 in the paper.</param>
/// <param name="RandomCrop">Crop anywhere in the record; else from the centre.</param>
/// <param name="Mirror">Mirror half of the samples left to right.</param>
/// <param name="ColourSigma">Standard deviation of the colour shift; 0.1 in the paper, 0 for none.</param>
public sealed record Augmentation(int CropSize, bool RandomCrop, bool Mirror, double ColourSigma)
{
    /// <summary>Where a sample's crop is cut.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="position">Position in the sample stream.</param>
    /// <param name="recordSize">Side of the record in pixels.</param>
    public Placement Place(ulong seed, long position, int recordSize)
    {
        var centre = View.Place(0, recordSize, CropSize);
        var random = new Philox(seed, Purpose.Crop, 0, (ulong)position);
        uint places = (uint)(recordSize - CropSize + 1);
        return new Placement(
            RandomCrop ? (int)random.Below(0, places) : centre.Top,
            RandomCrop ? (int)random.Below(1, places) : centre.Left,
            Mirror && random.Word(2) >> 31 != 0);
    }

    /// <summary>
    /// What is added to a sample's red, green and blue, in units of 0..255.
    /// <para>
    /// The paper adds [p1, p2, p3] [a1 l1, a2 l2, a3 l3]^T with eigenvectors p, eigenvalues l of the RGB covariance, and a from N(0, 0.1).
    /// Taken at its word on pixels of 0..255, l1 is about 9,000 and the shift has a standard deviation of 900: no picture would be left.
    /// The authors' own code (cuda-convnet2, convdata.py) multiplies by the axes' standard deviations instead, as did everyone after them;
    /// so do we: shift = sum over i of p_i * a_i * sqrt(l_i), about 10 of 255 along the first axis.
    /// </para>
    /// </summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="position">Position in the sample stream.</param>
    /// <param name="axes">Principal axes of the training set.</param>
    /// <param name="shift">[3], overwritten.</param>
    public void Shift(ulong seed, long position, ColourAxes axes, Span<float> shift)
    {
        double r = 0, g = 0, b = 0;
        if (ColourSigma != 0)
        {
            var random = new Philox(seed, Purpose.ColourShift, 0, (ulong)position);
            for (int axis = 0; axis < 3; axis++)
            {
                double along = random.Normal((ulong)axis) * ColourSigma * Math.Sqrt(axes.Values[axis]);
                var vector = axes.Vectors[axis];
                r += vector[0] * along;
                g += vector[1] * along;
                b += vector[2] * along;
            }
        }
        (shift[0], shift[1], shift[2]) = ((float)r, (float)g, (float)b);
    }
}
