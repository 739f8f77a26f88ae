using AlexNetActors.App;

namespace AlexNetActors.Tests.App;

public class LeadershipTests
{
    static Leadership Of(params (string Node, string Kind, double Time)[] events)
    {
        var leadership = new Leadership();
        foreach (var (node, kind, time) in events) leadership.Hear(node, kind, time);
        return leadership;
    }

    [Fact]
    public void One_after_the_other_is_as_it_should_be_also_when_the_first_leads_again()
    {
        var leadership = Of(("a", "office", 1), ("a", "formed", 2), ("a", "step", 3), ("b", "office", 4), ("b", "formed", 5), ("a", "broken", 6), ("b", "step", 7), ("a", "office", 8), ("a", "formed", 9));
        Assert.Null(leadership.Overlap);
        Assert.Equal(3, leadership.Terms);
    }

    [Fact]
    public void A_step_that_is_led_by_the_one_before_is_found_in_whatever_order_it_is_heard()
    {
        var leadership = Of(("a", "office", 1), ("a", "formed", 2), ("a", "step", 3), ("a", "step", 6.5), ("b", "office", 4), ("b", "formed", 5));
        Assert.Equal("two coordinators at once: a says \"step\" 1.5 ms after b said \"formed\"", leadership.Overlap);
    }
}
