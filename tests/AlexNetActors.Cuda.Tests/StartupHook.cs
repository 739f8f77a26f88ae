using AlexNetActors.Cuda.Tests.Driver;

/// <summary>.NET runs this before a program whose environment names this assembly in DOTNET_STARTUP_HOOKS: alexnet itself finds the modelled driver.</summary>
static class StartupHook
{
    /// <summary>The order of <see cref="ModelledCuda.Begin"/>; behind a comma, after how much work CUDA is lost to the process.</summary>
    public const string Variable = "ALEXNET_MODELLED_CUDA";

    /// <summary>How a line about a wrong use of the driver begins.</summary>
    public const string Fault = "modelled CUDA: ";

    public static void Initialize()
    {
        if (ModelledCuda.Missing is { } why) throw new PlatformNotSupportedException(why);
        int[] numbers = [.. (Environment.GetEnvironmentVariable(Variable) ?? "0").Split(',').Select(int.Parse)];
        ModelledCuda.Begin(numbers[0]);
        if (numbers.Length > 1) ModelledCuda.Lose(numbers[1], CudaResult.IllegalAddress);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            foreach (string fault in ModelledCuda.Faults) Console.Error.WriteLine(Fault + fault);
        };
    }
}
