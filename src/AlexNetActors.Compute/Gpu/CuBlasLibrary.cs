using System.Runtime.InteropServices;

namespace AlexNetActors.Compute.Gpu;

/// <summary>The cuBLAS of this machine, of any version since 11. It cannot travel with this program: it weighs ten times as much.</summary>
sealed unsafe class CuBlasLibrary
{
    /// <summary>A directory with the library, such as nvidia/cublas/lib of a Python environment.</summary>
    public const string DirectoryVariable = "ALEXNET_CUBLAS";

    static readonly string[] Names = OperatingSystem.IsWindows()
        ? ["cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"]
        : ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11"];

    const string ToolkitName = "/usr/local/cuda/lib64/libcublas.so";

    static readonly Lazy<CuBlasLibrary?> Found = new(Load);

    readonly nint _library;

    CuBlasLibrary(nint library)
    {
        _library = library;
        var property = (delegate* unmanaged<int, int*, int>)Export("cublasGetProperty"); // libraryPropertyType: major, minor, patch
        int major, minor, patch;
        if (property(0, &major) != 0 || property(1, &minor) != 0 || property(2, &patch) != 0) throw new DeviceException("this cuBLAS does not tell its version: install another, or let the own kernels multiply (--set compute.blas=own)");
        Version = $"{major}.{minor}.{patch}";
    }

    /// <summary>"12.4.5"</summary>
    public string Version { get; }

    /// <summary>Null when the machine has none.</summary>
    /// <exception cref="DeviceException">It is not where the environment says, or is of no use.</exception>
    public static CuBlasLibrary? Find() => Found.Value;

    public nint Export(string function) =>
        NativeLibrary.TryGetExport(_library, function, out nint address)
            ? address
            : throw new DeviceException($"this cuBLAS lacks {function}: it must be of version 11 or newer; install one, or let the own kernels multiply (--set compute.blas=own)");

    static CuBlasLibrary? Load()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } directory)
        {
            foreach (string name in Names)
                if (NativeLibrary.TryLoad(Path.Combine(directory, name), out nint named)) return new(named);
            throw new DeviceException($"{DirectoryVariable} names {directory}, where none of {string.Join(", ", Names)} can be loaded: name the directory of cuBLAS, or unset the variable");
        }
        foreach (string name in (string[])[.. Names, ToolkitName])
            if (NativeLibrary.TryLoad(name, out nint library)) return new(library);
        return null;
    }
}
