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
        float largest = weights.Max(w => w.Data.Max(MathF.Abs)); // one scale for all of them, as in the authors' shownet.py: what has learned little is pale
        return new KernelPictures(steps, weights[0].Shape[2], [.. TowerIds.Both.Select(t => new TowerKernels($"{t}", weights[(int)t].Shape[0], Pixels(weights[(int)t], largest)))]);
    }

    /// <summary>[K, 3, H, W] to bytes [K, H, W, 3]: grey is zero, white the largest.</summary>
    static byte[] Pixels(NamedValues weights, float largest)
    {
        int plane = weights.Shape[2] * weights.Shape[3], kernel = 3 * plane;
        float scale = largest > 0 ? 127.5f / largest : 0;
        var pixels = new byte[weights.Data.Length];
        for (int k = 0; k < weights.Shape[0]; k++)
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < plane; i++) pixels[k * kernel + 3 * i + c] = (byte)MathF.Round(127.5f + weights.Data[k * kernel + c * plane + i] * scale);
        return pixels;
    }
}

/// <summary>A tower's kernels.</summary>
/// <param name="Tower">Whose.</param>
/// <param name="Count">How many.</param>
/// <param name="Pixels">Bytes [Count, Size, Size, 3].</param>
sealed record TowerKernels(string Tower, int Count, byte[] Pixels);
