namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>
/// What computes. Multiplications and additions of float32 are rounded each by itself; ptxas may fuse them, which rounds once.
/// </summary>
static class PtxArithmetic
{
    public static Dictionary<string, PtxAlone> Instructions { get; } = new()
    {
        ["mov.b32"] = Move,
        ["mov.b64"] = Move,
        ["mov.f32"] = Move,
        ["mov.pred"] = Move,
        ["cvta.to.global.u64"] = Move,

        ["add.s32"] = Int32((a, b) => a + b),
        ["sub.s32"] = Int32((a, b) => a - b),
        ["mul.lo.s32"] = Int32((a, b) => a * b),
        ["div.s32"] = Int32((a, b) => b != 0 ? a / b : throw new PtxFault("divides by 0")),
        ["rem.s32"] = Int32((a, b) => b != 0 ? a % b : throw new PtxFault("divides by 0")),
        ["min.s32"] = Int32(Math.Min),
        ["max.s32"] = Int32(Math.Max),
        ["shr.s32"] = Bits((a, b) => (uint)((int)a >> (int)Math.Min((uint)b, 31))),
        ["mad.lo.s32"] = o => t => o[0].Write(t, (uint)((int)o[1].Read(t) * (int)o[2].Read(t) + (int)o[3].Read(t))),
        ["shl.b32"] = Bits((a, b) => (uint)b < 32 ? (uint)a << (int)b : 0),
        ["and.b32"] = Bits((a, b) => a & b),
        ["or.b32"] = Bits((a, b) => a | b),
        ["xor.b32"] = Bits((a, b) => a ^ b),
        ["and.pred"] = Bits((a, b) => a & b),
        ["or.pred"] = Bits((a, b) => a | b),
        ["not.pred"] = Bits(a => a ^ 1),

        ["add.s64"] = Bits((a, b) => a + b),
        ["add.u64"] = Bits((a, b) => a + b),
        ["mul.lo.s64"] = Bits((a, b) => a * b),
        ["mul.wide.u32"] = Bits((a, b) => (ulong)(uint)a * (uint)b),
        ["shr.u64"] = Bits((a, b) => (uint)b < 64 ? a >> (int)b : 0),

        ["add.f32"] = Float((a, b) => a + b),
        ["sub.f32"] = Float((a, b) => a - b),
        ["mul.f32"] = Float((a, b) => a * b),
        ["div.rn.f32"] = Float((a, b) => a / b),
        ["sqrt.rn.f32"] = Bits(a => Of(MathF.Sqrt(FloatOf(a)))),
        ["rcp.rn.f32"] = Bits(a => Of(1 / FloatOf(a))),

        ["cvt.u32.u64"] = Bits(a => (uint)a),
        ["cvt.u64.u32"] = Bits(a => (uint)a),
        ["cvt.s64.s32"] = Bits(a => (ulong)(int)a),
        ["cvt.s32.u8"] = Bits(a => (byte)a),
        ["cvt.rn.f32.u32"] = Bits(a => Of((uint)a)),
        ["cvt.rna.tf32.f32"] = Bits(a => Tf32((uint)a)),
    };

    public static float FloatOf(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);
    public static ulong Of(float value) => BitConverter.SingleToUInt32Bits(value);

    static Action<PtxThread> Move(IReadOnlyList<PtxOperand> o)
    {
        var (to, from) = (o[0], o[1]);
        return t => to.Write(t, from.Read(t));
    }

    static PtxAlone Bits(Func<ulong, ulong> f) => o =>
    {
        var (to, a) = (o[0], o[1]);
        return t => to.Write(t, f(a.Read(t)));
    };

    static PtxAlone Bits(Func<ulong, ulong, ulong> f) => o =>
    {
        var (to, a, b) = (o[0], o[1], o[2]);
        return t => to.Write(t, f(a.Read(t), b.Read(t)));
    };

    static PtxAlone Int32(Func<int, int, int> f) => Bits((a, b) => (uint)f((int)a, (int)b));

    static PtxAlone Float(Func<float, float, float> f) => Bits((a, b) => Of(f(FloatOf(a), FloatOf(b))));

    /// <summary>To the nearest with a mantissa of 10 bits, from halfway away from zero. The other 13 bits are zero.</summary>
    static ulong Tf32(uint bits) => float.IsFinite(FloatOf(bits)) ? bits + 0x1000 & ~0x1fffu : float.IsNaN(FloatOf(bits)) ? 0x7fffffff : bits;
}
