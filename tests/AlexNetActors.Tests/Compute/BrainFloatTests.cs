using AlexNetActors.Compute;
using CsCheck;

namespace AlexNetActors.Tests.Compute;

public class BrainFloatTests
{
    /// <summary>By the definition: of the two bfloat16 around a value the nearer one, of two as near the even one.</summary>
    static float Nearest(float x)
    {
        if (float.IsNaN(x) || float.IsInfinity(x)) return x;
        uint down = BitConverter.SingleToUInt32Bits(x) & 0xFFFF_0000, up = down + 0x1_0000;
        double d = BitConverter.UInt32BitsToSingle(down), u = BitConverter.UInt32BitsToSingle(up);
        if (double.IsInfinity(u)) u = Math.CopySign(Math.ScaleB(1, 128), u); // what would come next
        double toDown = Math.Abs(x - d), toUp = Math.Abs(u - x);
        return BitConverter.UInt32BitsToSingle(toDown < toUp || toDown == toUp && (down >> 16 & 1) == 0 ? down : up);
    }

    [Fact]
    public void Rounds_every_float_to_the_nearest_and_ties_to_even() =>
        Gen.UInt.Array[1, 70].Sample(words =>
        {
            float[] values = [.. words.Select(BitConverter.UInt32BitsToSingle), 1.00390625f, 1.01171875f, float.MaxValue, float.Epsilon, float.PositiveInfinity, float.NaN, BitConverter.UInt32BitsToSingle(0x7F80_0001)];
            float[] rounded = [.. values];
            BrainFloat.Round(rounded);
            for (int i = 0; i < values.Length; i++) Assert.Equal(Nearest(values[i]), rounded[i]);
        });

    [Fact]
    public void What_is_rounded_comes_back_from_its_upper_half() =>
        Gen.Float.Array[0, 100].Sample(values =>
        {
            BrainFloat.Round(values);
            var packed = new ushort[values.Length];
            BrainFloat.Pack(values, packed);
            var back = new float[values.Length];
            BrainFloat.Unpack(packed, back);
            Assert.Equal(values.Select(BitConverter.SingleToUInt32Bits), back.Select(BitConverter.SingleToUInt32Bits));
        });
}
