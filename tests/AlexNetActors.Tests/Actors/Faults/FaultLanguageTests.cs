using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors;

/// <summary>A fault is a line; what is printed is what is read.</summary>
public sealed class FaultLanguageTests
{
    [Theory]
    [InlineData("kill tower-B at step 7 in exchange conv3 backward")]
    [InlineData("kill tower-A and tower-B at step 7 in update")]
    [InlineData("stop tower-A at step 7 in loss for 3s")]
    [InlineData("stop gpu-1 at step 0 in loading for 1.5s")]
    [InlineData("throw tower-B at step 7 in forward fc6")]
    [InlineData("starve tower-A at step 7 in backward conv1")]
    [InlineData("disconnect tower-B at step 7 in exchange logits forward")]
    [InlineData("corrupt tower-A at step 7 in exchange fc8 forward")]
    [InlineData("delay tower-A by 200ms at step 3 in loading")]
    [InlineData("delay tower-A by 200ms at step 3 in loading for 2s")]
    [InlineData("throttle tower-A to 10MB/s at step 3 in loading for 5s")]
    [InlineData("throttle loader to 1.5kB/s at step 3 in loading")]
    [InlineData("slow tower-B by 3 at step 2 in loading for 20m")]
    [InlineData("nan tower-B in gradient at step 5 in update")]
    [InlineData("nan tower-A in activation at step 5 in forward fc6")]
    [InlineData("fill disk of coordinator at step 5 in checkpoint for 3s")]
    [InlineData("damage checkpoint newest at step 9 in loading")]
    [InlineData("damage checkpoint 6 at step 9 in loading")]
    [InlineData("partition tower-B from all at step 4 in update for 3s")]
    [InlineData("partition tower-B and loader from coordinator one-way at step 4 in validation for 30s")]
    [InlineData("kill seed at 20s in snapshot")]
    public void A_line_is_read_and_printed_again(string line) => Assert.Equal(line, FaultLanguage.Parse(line).ToString());

    [Theory]
    [InlineData("kill tower-a at step 7", "kill tower-A at step 7 in loading")]
    [InlineData("  nan tower-B  in a gradient at step 5", "nan tower-B in gradient at step 5 in update")]
    [InlineData("kill tower-A at step 7 in forward conv3-conv5", "kill tower-A at step 7 in forward conv3")]
    [InlineData("stop tower-A at 90s in loss for 3000ms", "stop tower-A at 90s in loss for 3s")]
    public void What_may_be_left_out_or_said_otherwise_is_filled_in(string line, string meaning) => Assert.Equal(meaning, FaultLanguage.Parse(line).ToString());

    [Theory]
    [InlineData("", "wanted a fault: kill, stop")]
    [InlineData("nuke tower-A at step 3", "there is no fault 'nuke'")]
    [InlineData("kill", "wanted tower-A, tower-B, loader")]
    [InlineData("kill at step 3", "'at' is nobody")]
    [InlineData("kill tower-A", "wanted 'at'")]
    [InlineData("kill tower-A at step", "wanted the step's number")]
    [InlineData("kill tower-A at step -1", "'-1' is no step")]
    [InlineData("kill tower-A at once", "'once' is no time")]
    [InlineData("kill tower-A at step 3 in bed", "'bed' is no phase: wanted loading, forward SEGMENT")]
    [InlineData("kill tower-A at step 3 in exchange conv3", "wanted forward or backward")]
    [InlineData("kill tower-A at step 3 in exchange conv3 sideways", "'sideways' is no way")]
    [InlineData("kill tower-A at step 3 in exchange logits backward", "forward only")]
    [InlineData("kill tower-A at step 3 in loss for 3s", "'for' is one word too many")]
    [InlineData("stop tower-A at step 3 in loss", "wanted how long")]
    [InlineData("stop tower-A at step 3 in loss for ever", "'ever' is no time")]
    [InlineData("throw coordinator at step 3", "nothing is computed on coordinator")]
    [InlineData("slow loader by 3 at step 3", "loader has no device")]
    [InlineData("slow tower-A by 0.5 at step 3", "'0.5' is no factor")]
    [InlineData("throttle tower-A to 10 at step 3", "'10' is no rate")]
    [InlineData("throw tower-A and tower-B at step 3", "'and' where 'at' was wanted")]
    [InlineData("nan tower-A in weights at step 3", "'weights' is no place")]
    [InlineData("nan tower-A in activation at step 3", "such as 'in forward fc6'")]
    [InlineData("damage checkpoint oldest at step 3", "'oldest' is no checkpoint")]
    [InlineData("partition tower-A at step 3 for 3s", "'at' where 'from' was wanted")]
    [InlineData("partition tower-A from all at step 3", "wanted how long")]
    [InlineData("clock coordinator +1h", "monotonic")]
    public void What_is_no_fault_is_one_line_that_says_why(string line, string why)
    {
        string message = Assert.Throws<FaultException>(() => FaultLanguage.Parse(line)).Message;
        Assert.StartsWith($"fault \"{line}\": ", message);
        Assert.Contains(why, message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Every_phase_of_a_network_can_be_named()
    {
        var all = new Places(TinyRun.Recipe.Network).All;
        foreach (var phase in all) Assert.Equal(phase, FaultLanguage.Parse($"kill tower-A at step 1 in {phase}").When.Place);
        Assert.Equal("loading, forward conv1, exchange conv3 forward, forward conv3, exchange fc6 forward, forward fc6, exchange fc7 forward, forward fc7, exchange fc8 forward, forward fc8, exchange logits forward, loss, "
            + "backward fc8, exchange fc8 backward, backward fc7, exchange fc7 backward, backward fc6, exchange fc6 backward, backward conv3, exchange conv3 backward, backward conv1, update, snapshot, checkpoint, validation",
            string.Join(", ", all));
    }

    [Fact]
    public void A_fault_waits_for_its_phase_at_its_step_or_the_first_one_after_it()
    {
        var time = FaultLanguage.Parse("kill tower-A at step 7 in validation").When;
        Assert.False(time.Has(new Moment(Places.Validation, 6)));
        Assert.False(time.Has(new Moment(Places.Update, 7)));
        Assert.True(time.Has(new Moment(Places.Validation, 7)));
        Assert.True(time.Has(new Moment(Places.Validation, 9)));
    }
}
