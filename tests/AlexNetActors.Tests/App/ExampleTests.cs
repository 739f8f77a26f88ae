using System.Globalization;
using System.Text.RegularExpressions;

namespace AlexNetActors.Tests.App;

/// <summary>What a reader copies has to work.</summary>
public sealed class ExampleTests
{
    /// <summary>38.0 % on a processor with fused multiply-add; guessing is 90 %.</summary>
    [Fact]
    public void The_example_learns()
    {
        var result = Alexnet.Wait(Alexnet.StartProcess(Alexnet.Command[0], Path.Combine(AppContext.BaseDirectory, "alexnet-example.dll"))).Expect(0);
        double error = double.Parse(Regex.Match(result.Out, @"top-1 error ([\d.]+) %").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(error, 0, 60);
    }
}
