using System.Collections.Concurrent;
using AlexNetActors.Tests.Compute.Ptx;

namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>A kernel that has been loaded: the one of its module.</summary>
sealed class CudaModule(CudaContext context, string ptx) : IInContext
{
    const int GroupMax = 1024, GroupDepthMax = 64, GridMax = 65535; // the last of y and z

    static readonly ConcurrentDictionary<string, PtxProgram> Parsed = [];

    readonly PtxProgram _program = Parsed.GetOrAdd(ptx, PtxParser.Parse);

    public CudaContext Context => context;
    public string KernelName => _program.Name;

    /// <param name="grid">Groups.</param>
    /// <param name="group">Threads of a group.</param>
    /// <param name="parameters">As they lie in memory.</param>
    /// <param name="stream">Where it is queued.</param>
    public void Launch(PtxSize grid, PtxSize group, byte[] parameters, CudaStream stream)
    {
        context.RequireOwn(stream.Context, "the stream");
        if (grid.X < 1 || grid.Y is < 1 or > GridMax || grid.Z is < 1 or > GridMax) throw new CudaRefusal(CudaResult.InvalidValue, $"a grid of {grid} for {KernelName}");
        if (group.X < 1 || group.Y < 1 || group.Z is < 1 or > GroupDepthMax || group.Count > GroupMax) throw new CudaRefusal(CudaResult.InvalidValue, $"a group of {group} for {KernelName}");
        if (parameters.Length != _program.ParameterBytes) throw new CudaRefusal(CudaResult.InvalidValue, $"{KernelName} has {_program.ParameterBytes} bytes of parameters, got {parameters.Length}");
        stream.Queue(KernelName, work => PtxMachine.Launch(_program, grid, group, parameters, work.Memory));
    }
}
