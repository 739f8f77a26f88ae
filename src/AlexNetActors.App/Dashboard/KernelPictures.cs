using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>The first layer's kernels as pictures, as in the paper's figure 3: tower A's above tower B's.</summary>
/// <param name="Step">Steps done when they were saved.</param>
/// <param name="Size">Pixels of a side.</param>
/// <param name="Towers">A's and B's.</param>
sealed record KernelPictures(long Step, int Size, IReadOnlyList<TowerKernels> Towers)
{
    /// <param name="checkpoint">Folder of a checkpoint.</param>
    /// <param name="steps">Steps done when it was written.</param>
    /// <param name="layer">Name of the first layer.</param>
    /// <returns>Null where its kernels do not see three colours.</returns>
    /// <exception cref="CheckpointException">A file is not there any more, or damaged.</exception>
    public static KernelPictures? Read(string checkpoint, long steps, string layer)
    {
        var weights = TowerIds.Both.Select(t => SafeTensors.Read(Path.Combine(checkpoint, CheckpointFolder.TowerFile(t)), only: $"{layer}.weight")[0]).ToArray();
        if (weights.Any(w => w.Shape is not [_, 3, _, _])) return null;
        return new KernelPictures(steps, weights[0].Shape[2], [.. TowerIds.Both.Select(t => new TowerKernels($"{t}", weights[(int)t].Shape[0], Pixels(weights[(int)t])))]);
    }

    /// <summary>[K, 3, H, W] to bytes [K, H, W, 3], each kernel from its least to its largest weight.</summary>
    static byte[] Pixels(NamedValues weights)
    {
        int plane = weights.Shape[2] * weights.Shape[3], kernel = 3 * plane;
        var pixels = new byte[weights.Data.Length];
        for (int k = 0; k < weights.Shape[0]; k++)
        {
            var values = weights.Data.AsSpan(k * kernel, kernel);
            var (least, most) = (float.MaxValue, float.MinValue);
            foreach (float v in values) (least, most) = (Math.Min(least, v), Math.Max(most, v));
            float scale = most > least ? 255 / (most - least) : 0;
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < plane; i++) pixels[k * kernel + 3 * i + c] = (byte)MathF.Round((values[c * plane + i] - least) * scale);
        }
        return pixels;
    }
}

/// <summary>A tower's kernels.</summary>
/// <param name="Tower">Whose.</param>
/// <param name="Count">How many.</param>
/// <param name="Pixels">Bytes [Count, Size, Size, 3].</param>
sealed record TowerKernels(string Tower, int Count, byte[] Pixels);
