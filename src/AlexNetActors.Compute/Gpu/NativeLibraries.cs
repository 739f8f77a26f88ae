using System.Reflection;
using System.Runtime.InteropServices;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// ILGPU asks Linux for "cuda" and "OpenCL"; where no development package is installed only libcuda.so.1 and libOpenCL.so.1 exist, and
/// it would silently find no device.
/// </summary>
static class NativeLibraries
{
    /// <summary>As ILGPU asks for them.</summary>
    public const string Cuda = "cuda", OpenCL = "OpenCL";

    static readonly Dictionary<string, string[]> Names = OperatingSystem.IsWindows()
        ? new() { [Cuda] = ["nvcuda.dll"], [OpenCL] = ["OpenCL.dll"] }
        : new() { [Cuda] = ["libcuda.so.1", "libcuda.so", "/usr/lib/wsl/lib/libcuda.so.1"], [OpenCL] = ["libOpenCL.so.1", "libOpenCL.so"] };

    static readonly Lazy<bool> Installed = new(() =>
    {
        if (OperatingSystem.IsLinux()) NativeLibrary.SetDllImportResolver(typeof(ILGPU.Context).Assembly, Resolve);
        return true;
    });

    /// <summary>What a library is called here.</summary>
    public static string FileName(string name) => Names[name][0];

    /// <summary>Before anything of ILGPU is used.</summary>
    public static void Install() => _ = Installed.Value;

    /// <summary>Whether the library of a kind of device is on this machine.</summary>
    public static bool Has(string name)
    {
        bool found = Resolve(name, typeof(ILGPU.Context).Assembly, null) is var handle && handle != 0;
        if (found) NativeLibrary.Free(handle);
        return found;
    }

    static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        foreach (string candidate in Names.GetValueOrDefault(name, []))
            if (NativeLibrary.TryLoad(candidate, out nint handle)) return handle;
        return 0;
    }
}
