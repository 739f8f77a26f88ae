namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>What compares and chooses.</summary>
static class PtxComparison
{
    public static Dictionary<string, PtxAlone> Instructions { get; } = All();

    static Dictionary<string, PtxAlone> All()
    {
        var all = new Dictionary<string, PtxAlone>
        {
            ["selp.b32"] = Select,
            ["selp.f32"] = Select,
            ["testp.notanumber.f32"] = o => t => o[0].Write(t, float.IsNaN(PtxArithmetic.FloatOf(o[1].Read(t))) ? 1ul : 0),
        };
        var signed = new (string Name, Func<int, bool> Holds)[] { ("eq", c => c == 0), ("ne", c => c != 0), ("lt", c => c < 0), ("le", c => c <= 0), ("gt", c => c > 0), ("ge", c => c >= 0) };
        var unsigned = new (string Name, Func<int, bool> Holds)[] { ("eq", c => c == 0), ("ne", c => c != 0), ("lo", c => c < 0), ("ls", c => c <= 0), ("hi", c => c > 0), ("hs", c => c >= 0) };
        foreach (var (name, holds) in signed)
        {
            all[$"setp.{name}.s32"] = Set((a, b) => holds(((int)a).CompareTo((int)b)));
            all[$"setp.{name}.f32"] = Set((a, b) => !AnyNaN(a, b) && holds(Order(a, b)));
            all[$"setp.{name}u.f32"] = Set((a, b) => AnyNaN(a, b) || holds(Order(a, b)));
        }
        foreach (var (name, holds) in unsigned)
        {
            all[$"setp.{name}.u32"] = Set((a, b) => holds(((uint)a).CompareTo((uint)b)));
            all[$"setp.{name}.u64"] = Set((a, b) => holds(a.CompareTo(b)));
        }
        return all;
    }

    static PtxAlone Set(Func<ulong, ulong, bool> f) => o =>
    {
        var (to, a, b) = (o[0], o[1], o[2]);
        return t => to.Write(t, f(a.Read(t), b.Read(t)) ? 1ul : 0);
    };

    static Action<PtxThread> Select(IReadOnlyList<PtxOperand> o) => t => o[0].Write(t, o[3].Read(t) != 0 ? o[1].Read(t) : o[2].Read(t));

    static bool AnyNaN(ulong a, ulong b) => float.IsNaN(PtxArithmetic.FloatOf(a)) || float.IsNaN(PtxArithmetic.FloatOf(b));

    static int Order(ulong a, ulong b) => PtxArithmetic.FloatOf(a).CompareTo(PtxArithmetic.FloatOf(b));
}
