namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>What loads and stores. A vector is one access: it must lie at a multiple of its size.</summary>
static class PtxAccess
{
    public static Dictionary<string, PtxAlone> Instructions { get; } = All();

    static Dictionary<string, PtxAlone> All()
    {
        var all = new Dictionary<string, PtxAlone>();
        var types = new[] { ("b8", 1), ("b16", 2), ("b32", 4), ("f32", 4), ("b64", 8) };
        var spaces = new (string Name, Func<PtxThread, ulong, PtxMemory> Of)[] { ("global", (t, address) => t.Group.Launch.Global(address)), ("shared", (t, _) => t.Group.Shared), ("local", (t, _) => t.Local) };
        foreach (var (type, size) in types)
        {
            all[$"ld.param.{type}"] = o => t => o[0].Write(t, t.Group.Launch.Parameter(o[1].Read(t), size));
            foreach (var (space, memory) in spaces)
                foreach (string vector in new[] { "", "v2.", "v4." })
                {
                    all[$"ld.{space}.{vector}{type}"] = o => Load(memory, size, [.. o[0].Elements], o[1]);
                    all[$"st.{space}.{vector}{type}"] = o => Store(memory, size, o[0], [.. o[1].Elements]);
                }
        }
        return all;
    }

    static Action<PtxThread> Load(Func<PtxThread, ulong, PtxMemory> memory, int size, PtxOperand[] to, PtxOperand from) => t =>
    {
        ulong address = Aligned(from.Read(t), size * to.Length);
        var there = memory(t, address);
        for (int i = 0; i < to.Length; i++) to[i].Write(t, there.Read(address + (ulong)(i * size), size, t));
    };

    static Action<PtxThread> Store(Func<PtxThread, ulong, PtxMemory> memory, int size, PtxOperand to, PtxOperand[] from) => t =>
    {
        ulong address = Aligned(to.Read(t), size * from.Length);
        var there = memory(t, address);
        for (int i = 0; i < from.Length; i++) there.Write(address + (ulong)(i * size), size, from[i].Read(t), t);
    };

    static ulong Aligned(ulong address, int size) => address % (ulong)size == 0 ? address : throw new PtxFault($"address {address:x} is no multiple of {size}");
}
