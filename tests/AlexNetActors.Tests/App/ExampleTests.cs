using System.Globalization;
using System.Text.RegularExpressions;
using AlexNetActors.Data;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.App;

/// <summary>What a reader copies has to work.</summary>
public sealed class ExampleTests
{
    /// <summary>38.0 % on a processor with fused multiply-add; guessing is 90 %.</summary>
    [Fact]
    public void The_example_learns_and_says_what_it_sees()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["some.jpg"], TestPictures.Jpeg(1));
        var result = Alexnet.Wait(Alexnet.StartProcess(Alexnet.Command[0], Path.Combine(AppContext.BaseDirectory, "alexnet-example.dll"), "500", folder["some.jpg"])).Expect(0);
        double error = double.Parse(Regex.Match(result.Out, @"top-1 error ([\d.]+) %").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(error, 0, 60);
        Assert.Equal(3, result.Out.Split('\n').Count(l => l.Split(" % ") is [_, var name] && BuiltInPictures.Classes.Contains(name)));
    }
}
