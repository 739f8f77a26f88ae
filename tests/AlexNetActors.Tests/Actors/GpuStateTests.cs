using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Tests.Actors.Simulation;
using Effect = AlexNetActors.Actors.GpuState.Effect;

namespace AlexNetActors.Tests.Actors;

/// <summary>What a GPU actor of tower A does not do, stage by stage: what is another group's, another step's, another tower's, or done already.</summary>
public sealed class GpuStateTests
{
    const int Generation = 2;
    const long Steps = 10;

    static readonly Seat[] Seats =
        [new([TowerId.A], "one", "cpu", "cpu", "cpu", "one:1", new SimulatedRef("a")), new([TowerId.B], "two", "cpu", "cpu", "cpu", "two:1", new SimulatedRef("b"))];

    static readonly RunProgress Progress = RunProgress.Start(new RunLimits(100, 10, 50, 7, new LearningRateSchedule(0.01f, 10, 3, 2, 0))) with { Steps = Steps };

    static FormGroup Form(int generation) => new(generation, Seats, "", "", 1000, ActorRefs.Nobody, "one", "one:1", 100);

    static PassId Pass(long number, PassKind kind = PassKind.Train, int generation = Generation) => new(generation, kind, number);

    static PassDone Done(PassId pass) => new(pass, [TowerId.A], default, 0, 0, 0, 0, [], null);

    static BatchReady Batch(PassId pass) => new(pass, new Batch(1, 1));

    static TowerStateReady State(long steps, TowerId tower = TowerId.A, int generation = Generation) => new(generation, steps, new TowerState(tower, []));

    static LoadTowers FromMemory(string giverOfA, string giverOfB) => new(Generation, WeightSource.Memory, Progress, [giverOfA, giverOfB]);

    static (GpuState State, IReadOnlyList<Effect> Effects) After(GpuState state, params object[] messages)
    {
        IReadOnlyList<Effect> effects = [];
        foreach (object message in messages) (state, effects) = state.Apply(message);
        return (state, effects);
    }

    static readonly GpuState Opening = After(new GpuState(Seats[0].Actor), Form(Generation)).State;

    static readonly GpuState Built = After(Opening, new GpuState.LinkChanged(Generation, LinkPurpose.Exchange, "two", null), new GpuState.LinkChanged(Generation, LinkPurpose.Snapshots, "two", null),
        new MeanReady(Generation, []), new GpuReady(Generation, [TowerId.A])).State;

    static readonly GpuState Loading = After(Built, FromMemory("two", "one")).State;

    static readonly GpuState Ready = After(Built, new LoadTowers(Generation, WeightSource.Seed, Progress, []), new TowersLoaded(Generation, [TowerId.A])).State;

    static readonly GpuState Running = After(Ready, new RunStep(Pass(Steps), 1), Batch(Pass(Steps))).State;

    static void Nothing(GpuState state, params object[] messages)
    {
        foreach (object message in messages)
        {
            var (after, effects) = state.Apply(message);
            Assert.True(ReferenceEquals(state, after) && effects.IsEmpty, $"{message} in {state.Stage}: {string.Join(", ", effects)}");
        }
    }

    [Fact]
    public void What_belongs_to_another_group_changes_nothing()
    {
        Assert.Equal([GpuStage.Opening, GpuStage.Built, GpuStage.Loading, GpuStage.Ready, GpuStage.Ready], new[] { Opening, Built, Loading, Ready, Running }.Select(s => s.Stage));
        foreach (var state in new[] { Opening, Built, Loading, Ready, Running })
        {
            Nothing(state, Form(Generation - 1));
            foreach (int other in new[] { Generation - 1, Generation + 1 })
            {
                var pass = Pass(Steps, generation: other);
                Nothing(state, new GpuState.LinkChanged(other, LinkPurpose.Exchange, "two", null), new GpuState.LinkChanged(other, LinkPurpose.Exchange, "two", "cut"), new MeanReady(other, [1]), new GpuReady(other, [TowerId.A]),
                    new LoadTowers(other, WeightSource.Seed, Progress, []), State(Steps, generation: other), new TowersLoaded(other, [TowerId.A]), new RunStep(pass, 1), new EvaluateBatch(pass with { Kind = PassKind.Evaluate }), Done(pass),
                    new NumbersWentWrong(pass, [TowerId.A], "", TowerId.A, "", "", false, []), new TakeSnapshot(other, Progress, -1), new SaveTowers(other, Steps), new MemberFailed(other, "", "", []),
                    new ActivationReady(new ExchangeId(pass, ExchangeKind.Gather, 0), TowerId.B, null!), new DisbandGroup(other, ""));
                var (after, effects) = state.Apply(Batch(pass));
                Assert.Same(state, after);
                Assert.IsType<Effect.GiveBack>(Assert.Single(effects));
            }
        }
    }

    [Fact]
    public void What_was_done_is_answered_again_and_not_done_again()
    {
        Assert.Equal(new GpuReady(Generation, [TowerId.A]).Generation, Assert.IsType<GpuReady>(Told(After(Ready, Form(Generation)))).Generation);
        Assert.IsType<TowersLoaded>(Told(After(Ready, FromMemory("two", "one"))));
        var done = After(Running, Done(Pass(Steps))).State;
        Assert.Equal(Pass(Steps), Assert.IsType<PassDone>(Told(After(done, new RunStep(Pass(Steps), 1)))).Pass);
        Nothing(done, Done(Pass(Steps)));
        Nothing(After(done, new SaveTowers(Generation, Steps + 1)).State, new SaveTowers(Generation, Steps + 1));
        Nothing(After(done, new TakeSnapshot(Generation, Progress with { Steps = Steps + 1 }, -1)).State, new TakeSnapshot(Generation, Progress with { Steps = Steps + 1 }, -1));
        Assert.IsType<Effect.GiveBack>(Assert.Single(After(done, Batch(Pass(Steps))).Effects)); // another loader has brought it, too

        var validated = After(done, new EvaluateBatch(Pass(5, PassKind.Evaluate)), Batch(Pass(5, PassKind.Evaluate)), Done(Pass(5, PassKind.Evaluate)), new RunStep(Pass(Steps + 1), 1)).State;
        Assert.Equal(Pass(Steps + 1), validated.Begun);
        Nothing(validated, new EvaluateBatch(Pass(5, PassKind.Evaluate)));
        Assert.IsType<Effect.GiveBack>(Assert.Single(After(validated, Batch(Pass(5, PassKind.Evaluate))).Effects));

        static IProtocolMessage Told((GpuState, IReadOnlyList<Effect> Effects) after) => Assert.IsType<Effect.Tell>(Assert.Single(after.Effects)).Message;
    }

    [Fact]
    public void Of_another_step_nothing_is_run_saved_or_said_to_be_done()
    {
        Nothing(Ready, new RunStep(Pass(Steps - 1), 1), new RunStep(Pass(Steps + 1), 1));
        foreach (long other in new[] { Steps - 1, Steps + 1 }) Nothing(Ready, new SaveTowers(Generation, other), new TakeSnapshot(Generation, Progress with { Steps = other }, -1));
        Nothing(Running, new EvaluateBatch(Pass(5, PassKind.Evaluate)), new RunStep(Pass(Steps + 1), 1), Done(Pass(Steps + 1)));
        Nothing(Running, new SaveTowers(Generation, Steps), new TakeSnapshot(Generation, Progress, -1)); // its weights are being updated
    }

    [Fact]
    public void Weights_of_another_step_or_tower_are_not_loaded()
    {
        Assert.Empty(After(Loading, State(Steps - 1)).Effects);
        Assert.Empty(After(Loading, State(Steps + 1)).Effects);
        Nothing(Loading, State(Steps, TowerId.B));
        Assert.Equal(Steps, Assert.IsType<Effect.Restore>(Assert.Single(After(Loading, State(Steps)).Effects)).Steps);
    }

    [Fact]
    public void Who_holds_the_others_weights_gives_them_and_nobody_else()
    {
        Assert.Equal([new Effect.Give(TowerId.B, Steps)], After(Built, FromMemory("two", "one")).Effects.OfType<Effect.Give>());
        var alone = After(Built, FromMemory("one", "two")).Effects;
        Assert.Empty(alone.OfType<Effect.Give>());
        Assert.Single(alone.OfType<Effect.Restore>()); // its own are here
    }

    [Fact]
    public void Who_is_in_trouble_says_so_whatever_is_asked()
    {
        var lost = After(Ready, new GpuState.LinkChanged(Generation, LinkPurpose.Exchange, "two", "cut")).State;
        foreach (object command in new object[] { Form(Generation), new RunStep(Pass(Steps), 1), new SaveTowers(Generation, Steps) })
            Assert.IsType<LinkLost>(Assert.IsType<Effect.Tell>(Assert.Single(After(lost, command).Effects)).Message);
    }
}
