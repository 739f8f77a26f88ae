using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Model;

/// <summary>
/// The batches of tests/fixtures/alexnet.py: every number is a word of the generator, so nobody has to store pictures. A class is a
/// brightness under noise.
/// </summary>
/// <param name="seed">Of the run.</param>
/// <param name="crop">Side of a picture.</param>
/// <param name="record">Side of the mean image.</param>
/// <param name="classes">Labels are below it.</param>
sealed class GoldenBatches(ulong seed, int crop, int record, int classes)
{
    /// <summary>Four words an image, then a word a pixel.</summary>
    public void Fill(Batch batch, long step)
    {
        var words = new Philox(seed, Purpose.Crop, 1, (ulong)step);
        var shifts = new Philox(seed, Purpose.ColourShift, 1, (ulong)step);
        uint places = (uint)(record - crop + 1);
        int imageBytes = crop * crop * 3;
        for (int b = 0; b < batch.Size; b++)
        {
            var (label, top, left, mirrored) = words.Block((ulong)b);
            batch.Labels[b] = (int)(label % (uint)classes);
            batch.Placements[b] = new Placement((int)(top % places), (int)(left % places), mirrored % 2 == 1);
            for (int c = 0; c < 3; c++) batch.ColourShift[3 * b + c] = (float)(10 * shifts.Normal((ulong)(3 * b + c)));
            for (int n = 0; n < imageBytes; n++)
                batch.Image(b)[n] = (byte)(words.Word((ulong)(4 * batch.Size + (long)b * imageBytes + n)) % 128 + 12 * (batch.Labels[b] % 10));
        }
    }

    /// <summary>The mean image [record, record, 3].</summary>
    public float[] Mean()
    {
        var words = new Philox(seed, Purpose.Crop, 2, 0);
        return [.. Enumerable.Range(0, record * record * 3).Select(n => (float)(64 + words.Word((ulong)n) / 4294967296.0 * 64))];
    }
}
