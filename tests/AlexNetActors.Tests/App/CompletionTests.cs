namespace AlexNetActors.Tests.App;

/// <summary>What a shell is offered where an option has its own words.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("train --recipe ", "quickstart")]
    [InlineData("train --device ", "cpu-direct")]
    [InlineData("evaluate run --views ", "10")]
    [InlineData("node --roles ", "coordinator")]
    [InlineData("node --towers ", "AB")]
    [InlineData("faults ", "matrix")]
    public void Words_are_offered(string line, string word)
    {
        string typed = $"alexnet {line}";
        Assert.Contains(word, Alexnet.Run($"[suggest:{typed.Length}]", typed).Expect(0).Out.Split('\n'));
    }
}
