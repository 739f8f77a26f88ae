namespace AlexNetActors.Compute.Gpu;

static class TapTable
{
    /// <summary>
    /// For every weight of a kernel in the order in which they lie, [C, R, S] forward and [K, R, S] backward, how far its value is from the
    /// pixel under the filter's corner; filled up to whole tiles.
    /// </summary>
    /// <param name="f">The filter.</param>
    /// <param name="backward">The taps fall on the output's gradient: a filter reaches from a pixel of the input back to the outputs that saw it.</param>
    /// <param name="images4">Images in units of four.</param>
    public static Tap[] Of(Filter f, bool backward, int images4)
    {
        int maps = backward ? f.Kernels : f.Channels, height = backward ? f.OutputHeight : f.Height, width = backward ? f.OutputWidth : f.Width;
        int count = maps * f.SizeY * f.SizeX, direction = backward ? -1 : 1;
        var taps = new Tap[(count + Products.TileColumns - 1) / Products.TileColumns * Products.TileColumns];
        Array.Fill(taps, Tap.Nowhere);
        for (int n = 0; n < count; n++)
        {
            int x = direction * (n % f.SizeX), y = direction * (n / f.SizeX % f.SizeY), map = n / f.SizeX / f.SizeY;
            taps[n] = new Tap(((map * height + y) * width + x) * images4, y, x);
        }
        return taps;
    }
}
