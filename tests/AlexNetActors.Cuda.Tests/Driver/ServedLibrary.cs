using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>
/// A shared library whose functions are methods of this process: each jumps through a table. Once it is loaded the loader finds it by its
/// name wherever that is asked for, as it finds whatever a process has loaded: nobody who uses it knows of it.
/// </summary>
static unsafe class ServedLibrary
{
    const string Compiler = "cc";

    /// <param name="name">As programs ask for it: "libcuda.so.1".</param>
    /// <param name="functions">Its methods with an entry point; whatever else is asked of the library is missing, and the asker says what.</param>
    /// <returns>Null, or why there is none.</returns>
    public static string? Load(string name, Type functions)
    {
        var served = functions.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
            .Select(m => (Method: m, m.GetCustomAttribute<UnmanagedCallersOnlyAttribute>()?.EntryPoint)).Where(m => m.EntryPoint is not null).ToList();
        string folder = Directory.CreateTempSubdirectory("alexnet-cuda-").FullName, file = Path.Combine(folder, name);
        try
        {
            if (Compile(Source([.. served.Select(s => s.EntryPoint!)]), name, file) is { } why) return why;
            nint library = NativeLibrary.Load(file);
            var table = ((delegate* unmanaged<void**>)NativeLibrary.GetExport(library, "table"))();
            foreach (var (method, _) in served) *table++ = (void*)method.MethodHandle.GetFunctionPointer();
            return null;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static string Source(IReadOnlyList<string> names) => $$"""
        __attribute__((visibility("hidden"))) void *served[{{names.Count}}];
        void **table(void) { return served; }
        #if defined(__x86_64__)
        #define SERVE(name, n) __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ": jmp *served+8*" #n "(%rip)\n");
        #elif defined(__aarch64__)
        #define SERVE(name, n) __asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ": adrp x16, served+8*" #n "\nldr x16, [x16, :lo12:served+8*" #n "]\nbr x16\n");
        #endif
        {{string.Join('\n', names.Select((name, n) => $"SERVE({name}, {n})"))}}
        """;

    static string? Compile(string source, string name, string file)
    {
        string from = file + ".c";
        File.WriteAllText(from, source);
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo(Compiler, ["-shared", "-fPIC", $"-Wl,-soname,{name}", from, "-o", file]) { RedirectStandardError = true })!;
            string said = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            return compiler.ExitCode == 0 ? null : throw new InvalidOperationException($"{Compiler} refuses {name}: {said}");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return $"there is no C compiler ({Compiler}), which makes the libraries that stand for CUDA's (Debian: gcc and libc6-dev)";
        }
    }
}
