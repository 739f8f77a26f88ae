using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;

namespace AlexNetActors.Tests.App;

/// <summary>The built program, run as a user runs it: another process, with a deadline.</summary>
static class Alexnet
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(240); // for a hang: a busy machine may take minutes

    /// <summary>How to start it: the runtime, and the program that is built beside the tests.</summary>
    public static string[] Command { get; } = [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "alexnet.dll")];

    public sealed record Result(int Code, string Out, string Err)
    {
        /// <summary>The last line of standard output.</summary>
        public JsonObject Json => JsonNode.Parse(Out.TrimEnd().Split('\n')[^1])!.AsObject();

        public string Digest => (string)Json["weightsSha256"]!;

        public Result Expect(int code)
        {
            Assert.True(Code == code, $"exit code {Code}, expected {code}\n{Err}\n{Out}");
            return this;
        }
    }

    public static Result Run(params string[] args) => Wait(Start(args));

    public static Process Start(params string[] args) => StartProcess(Command[0], [Command[1], .. args]);

    public static Process StartProcess(string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8 };
        start.Environment["DOTNET_TieredPGO"] = "0";
        return Process.Start(start)!;
    }

    public static Result Wait(Process process)
    {
        using (process)
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            if (!process.WaitForExit(Deadline))
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"alexnet has not ended in {Deadline.TotalSeconds} s: {errors.Result}{output.Result}");
            }
            return new Result(process.ExitCode, output.Result, errors.Result);
        }
    }

    /// <summary>Returns when it has come so far, or has ended.</summary>
    public static void WaitUntil(Process process, Func<bool> reached)
    {
        long until = Environment.TickCount64 + (long)Deadline.TotalMilliseconds;
        while (!reached() && !process.HasExited)
        {
            Thread.Sleep(1);
            if (Environment.TickCount64 < until) continue;
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"alexnet has not come so far in {Deadline.TotalSeconds} s");
        }
    }

    /// <summary>SIGKILL.</summary>
    public static void Kill(Process process)
    {
        process.Kill();
        process.WaitForExit(Deadline);
        process.Dispose();
    }
}
