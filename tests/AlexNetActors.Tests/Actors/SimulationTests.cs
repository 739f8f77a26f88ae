using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Tests.Actors.Simulation;
using CsCheck;

namespace AlexNetActors.Tests.Actors;

/// <summary>
/// The pure core under a network that delays, repeats and reorders, by seed: whatever the order, the group runs the same
/// steps, each once, and ends.
/// </summary>
public class SimulationTests
{
    static readonly LearningRateSchedule Schedule = new(0.01f, 10, 3, Patience: 2, Improvement: 0);

    /// <summary>Nodes with GPU actors and loaders, and a disk, that answer at random times, sometimes twice; and are lost at random times, if asked for.</summary>
    sealed class World(ulong seed, TrainingState start, bool oneDevice)
    {
        readonly Random _random = new((int)(seed % int.MaxValue));
        readonly List<object> _inFlight = [];
        readonly Queue<object> _local = new();
        public readonly List<IRunEvent> Events = [];
        public readonly List<(PassId Pass, TowerId[] Towers)> Ran = [];
        public readonly Dictionary<PassKind, GrantCredit> Credit = [];
        readonly Dictionary<PassKind, int> _round = []; // in which credit was last given
        public TrainingState State = start;
        readonly BatchPlan _plan = ToyTower.Plan(start.Limits);

        /// <summary>Come at some time of the run, one after the other.</summary>
        public Queue<object> Interruptions { private get; init; } = [];

        /// <summary>How many times a node is lost, a connection ends, a node is asked to stop or a batch does not come.</summary>
        public int Disturbances { private get; init => (field, _left) = (value, value); }
        int _left;

        /// <summary>The first has everything that the group needs, in the others there is a spare and one more loader each.</summary>
        NodeOffer[] Nodes =>
        [
            new("1", "first", ActorRefs.Nobody, 0, null, null, [.. oneDevice ? [Gpu([TowerId.A, TowerId.B])] : new[] { Gpu([]), Gpu([]) }], [.. Enumerable.Repeat(ActorRefs.Nobody, State.Group.Loaders)], "first:1", []),
            .. Disturbances == 0 ? [] : new[] { Spare("second"), Spare("third") },
        ];

        static GpuOffer Gpu(TowerId[] pinned) => new(ActorRefs.Nobody, "cpu", "cpu", "cpu", pinned);

        static NodeOffer Spare(string name) => new("1", name, ActorRefs.Nobody, 0, null, null, [Gpu([]), Gpu([])], [ActorRefs.Nobody], name + ":1", []);

        public void Run()
        {
            var nodes = Nodes;
            foreach (var node in nodes) _inFlight.Add(node);
            for (int n = 0; n < 20_000 && _inFlight.Count + _local.Count + Interruptions.Count > 0; n++)
            {
                if (Interruptions.Count > 0 && (_random.Next(40) == 0 || _inFlight.Count + _local.Count == 0)) _local.Enqueue(Interruptions.Dequeue());
                if (_left > 0 && _random.Next(60) == 0) Disturb(nodes[_random.Next(nodes.Length)]);
                object message = _local.Count > 0 ? _local.Dequeue() : TakeAny();
                (State, var effects) = State.Apply(message);
                foreach (var effect in effects) Do(effect);
            }
        }

        void Disturb(NodeOffer node)
        {
            _left--;
            _local.Enqueue(_random.Next(6) switch
            {
                0 => new NodeLost(node.Node, "killed"),
                5 => new NodeBroken(node.Node, "its loader-0 failed: no access"),
                1 => new LinkLost(State.Generation, node.Node, LinkPurpose.Exchange, "cut"),
                2 => new LinkLost(State.Generation, node.Node, LinkPurpose.Batches, "cut"),
                3 => new NodeLeaves(node.Node),
                _ => new BatchMissing(State.Pass, [TowerId.A]),
            });
            _inFlight.Add(node); // and offers itself again, sooner or later
        }

        object TakeAny()
        {
            int i = _random.Next(_inFlight.Count);
            object message = _inFlight[i];
            if (_random.Next(4) != 0) _inFlight.RemoveAt(i); // else it comes again
            return message;
        }

        void Do(Effect effect)
        {
            switch (effect)
            {
                case Effect.Publish e: Events.Add(e.Event); break;
                case Effect.Form: Answer(towers => new GpuReady(State.Generation, towers)); break;
                case Effect.ToGpus { Message: LoadTowers }: Answer(towers => new TowersLoaded(State.Generation, towers)); break;
                case Effect.ToLoaders { Message: GrantCredit credit }: Grant(credit); break;
                case Effect.BeginCheckpoint e:
                    foreach (var tower in TowerIds.Both) _inFlight.Add(new TowerSaved(State.Generation, e.Steps, tower, "", []));
                    break;
                case Effect.CommitCheckpoint e: _local.Enqueue(new CheckpointCommitted(e.Progress, "", "")); break;
                case Effect.Answer { Message: OfferAgain or NodeReleased } e: _inFlight.Add(e.Node); break; // who has left is started again
                case Effect.ToGpus { Message: RunStep e }: Run(e.Pass); break;
                case Effect.ToGpus { Message: EvaluateBatch e }: Run(e.Pass); break;
            }
        }

        void Grant(GrantCredit credit)
        {
            if (_round.GetValueOrDefault(credit.Kind) != State.Round) Assert.Equal(State.Pass.Number, credit.From); // who is assigned anew makes everything from there
            (Credit[credit.Kind], _round[credit.Kind]) = (credit, State.Round);
        }

        void Answer(Func<TowerId[], object> answer)
        {
            foreach (var seat in State.Seating!.Seats) _inFlight.Add(answer(seat.Towers));
        }

        void Run(PassId pass)
        {
            var credit = Credit[pass.Kind];
            Assert.InRange(pass.Number, credit.From, credit.Until - 1); // nothing is asked for without credit
            Assert.InRange(credit.Until - pass.Number, 1, State.Group.ReadAhead);
            int errors = (int)(pass.Number * 7919 % 11);
            Answer(towers =>
            {
                Ran.Add((pass, towers));
                return new PassDone(pass, towers, new Score(10, 1, errors, 0), 1, 1, 0, 0, [], pass.Kind == PassKind.Train ? ToyTower.Records(_plan, pass.Number) : null);
            });
        }

        /// <summary>The steps that count: those behind a checkpoint that the group went back to do not.</summary>
        public IReadOnlyList<(long Step, float Rate)> StepsThatCount()
        {
            var steps = new List<(long, float)>();
            foreach (var e in Events)
            {
                if (e is RunStarted r) steps.RemoveAll(s => s.Item1 >= r.Steps);
                if (e is StepCompleted s) steps.Add((s.Step, s.Rate));
            }
            return steps;
        }
    }

    static TrainingState NewState(int records, long steps, int loaders, RunProgress? from = null)
    {
        var limits = new RunLimits(records, Batch: 10, steps, CheckpointSteps: 7, Schedule);
        return TrainingState.Start(new RunSettings("", new RunTerms("1", "", new RunIdentity("", "", null)), limits, new GroupShape(loaders, ReadAhead: 3, ValidationBatches: 2),
            TinyRun.Network, "", Resume: null, from ?? RunProgress.Start(limits), TimeSpan.FromSeconds(300)));
    }

    [Fact]
    public void Nodes_that_are_lost_and_come_back_change_neither_the_steps_nor_their_rates() =>
        Gen.Select(Gen.ULong, Gen.Int[5, 60], Gen.Long[1, 40], Gen.Int[1, 12]).Sample((seed, records, steps, disturbances) =>
        {
            var calm = new World(seed, NewState(records, steps, 1), oneDevice: false);
            calm.Run();
            var world = new World(seed, NewState(records, steps, 1), oneDevice: false) { Disturbances = disturbances };
            world.Run();

            Assert.Equal(Phase.Finished, world.State.Phase);
            Assert.Equal(calm.StepsThatCount(), world.StepsThatCount());
            Assert.Equal(calm.State.Progress, world.State.Progress);
            Assert.Equal(world.Events.OfType<GroupFormed>().Select(g => g.Generation).Order().Distinct(), world.Events.OfType<GroupFormed>().Select(g => g.Generation)); // each group is a new generation
        }, iter: 3000);

    [Fact]
    public void Every_schedule_of_delays_and_repeats_runs_each_step_once_and_ends() =>
        Gen.Select(Gen.ULong, Gen.Int[5, 60], Gen.Long[1, 40], Gen.Int[1, 4], Gen.Bool).Sample((seed, records, steps, loaders, oneDevice) =>
        {
            var world = new World(seed, NewState(records, steps, loaders), oneDevice);
            world.Run();

            Assert.Equal(Phase.Finished, world.State.Phase);
            var stepsRun = world.Events.OfType<StepCompleted>().Select(e => e.Step).ToList();
            Assert.Equal(Enumerable.Range(0, stepsRun.Count).Select(n => (long)n), stepsRun);
            Assert.True(world.State.Progress.Steps == steps || world.State.Progress.Schedule.Finished);
            Assert.Equal(world.Ran.Count, world.Ran.Select(r => (r.Pass, r.Towers[0])).Distinct().Count()); // no pass is commanded twice
            Assert.Equal(world.State.Progress.Steps, world.Events.OfType<CheckpointWritten>().Last().Steps); // the end is saved
            Assert.Single(world.Events.OfType<RunFinished>());
        }, iter: 3000);

    [Fact]
    public void The_coordinator_takes_the_same_decisions_as_the_progress_alone()
    {
        var world = new World(1, NewState(records: 35, steps: 30, loaders: 2), oneDevice: false);
        world.Run();
        var decisions = world.Events.Select(e => e switch { StepCompleted => RunStage.Train, ValidationCompleted => RunStage.Validate, CheckpointWritten => RunStage.Checkpoint, _ => (RunStage?)null }).OfType<RunStage>();

        var progress = NewState(35, 30, 2).Progress;
        var limits = NewState(35, 30, 2).Limits;
        var expected = new List<RunStage>();
        var errors = new Queue<double>(world.Events.OfType<ValidationCompleted>().Select(e => e.Score.Top1Error));
        while (progress.Next(limits) is var next && next != RunStage.Finish)
        {
            expected.Add(next);
            progress = next switch { RunStage.Train => progress.AfterStep(), RunStage.Validate => progress.AfterValidation(limits, errors.Dequeue()), _ => progress.AfterCheckpoint() };
        }
        Assert.Equal(expected, decisions);
    }

    [Theory]
    [InlineData(Phase.Forming, "tower A and tower B to open its device and its connections")]
    [InlineData(Phase.Loading, "tower A and tower B to load its weights")]
    [InlineData(Phase.Training, "tower A and tower B to finish step 0")]
    public void A_deadline_names_who_is_missing_and_where(Phase phase, string who)
    {
        var state = Formed() with { Phase = phase };
        var (again, effects) = state.Apply(new DeadlinePassed(300));
        Assert.Equal($"waited 300 s for {who}", BrokenBy(effects));
        (again, effects) = (again with { Phase = phase }).Apply(new DeadlinePassed(300));
        Assert.Equal(Phase.Failed, again.Phase); // the second time at this step
        Assert.Equal($"waited 300 s for {who}", Assert.IsType<RunFailed>(effects.OfType<Effect.Publish>().Single().Event).Reason);
    }

    static string BrokenBy(IReadOnlyList<Effect> effects) => effects.OfType<Effect.Publish>().Select(e => e.Event).OfType<GroupBroken>().Single().Why;

    [Fact]
    public void Before_there_is_a_group_nothing_has_a_deadline_and_it_says_what_it_waits_for()
    {
        var (waits, effects) = NewState(10, 5, 1).Apply(new Settled());
        Assert.Equal(new GroupWaits("a device for tower A and one for tower B, a loader"), Assert.IsType<Effect.Publish>(Assert.Single(effects)).Event);
        Assert.Same(waits, waits.Apply(new DeadlinePassed(300)).State);
    }

    [Fact]
    public void A_deadline_names_the_one_tower_that_has_not_answered()
    {
        var state = Formed() with { Phase = Phase.Training };
        (state, _) = state.Apply(new PassDone(default, [TowerId.A], new Score(1, 1, 0, 0), 0, 0, 0, 0, [], null));
        var (_, effects) = state.Apply(new DeadlinePassed(5));
        Assert.Equal("waited 5 s for tower B to finish step 0", BrokenBy(effects));
    }

    [Fact]
    public void A_batch_that_the_only_loader_does_not_bring_is_said_with_its_name_and_named_by_the_deadline()
    {
        var training = Formed() with { Phase = Phase.Training, Pass = new PassId(1, PassKind.Train, 3) };
        var (late, effects) = training.Apply(new BatchMissing(training.Pass, [TowerId.A]));
        Assert.Equal(new GroupWaits("n to bring the batch of step 3"), effects.OfType<Effect.Publish>().Single().Event);
        (_, effects) = late.Apply(new DeadlinePassed(5));
        Assert.Contains("waited 5 s for n to bring the batch of step 3", effects.OfType<Effect.Publish>().Select(p => p.Event switch { RunFailed m => m.Reason, GroupBroken m => m.Why, _ => "" }).First(l => l != ""));
    }

    [Fact]
    public void A_batch_that_both_towers_miss_costs_one_loader_and_the_next_only_when_it_does_not_bring_it_either()
    {
        var training = Training(Tower("one"), Tower("two"), Loader("first"), Loader("second"), Loader("third"));
        object OfA = new BatchMissing(training.Pass, [TowerId.A]), OfB = new BatchMissing(training.Pass, [TowerId.B]);
        string[] Serving(params object[] messages) => [.. After(training, messages).State.Roster.Serving.Select(l => l.Node)];
        Assert.Equal(["second", "third"], Serving(OfA));
        Assert.Equal(["second", "third"], Serving(OfA, OfB));
        Assert.Equal(["third"], Serving(OfA, OfB, OfA));
        Assert.Equal(["third"], Serving(OfA, OfB, OfA, OfB));
        Assert.Equal(["third"], Serving(OfA, OfB, OfB)); // of A's second nothing was heard
        Assert.Equal(["first", "second", "third", "fourth"], Serving(Loader("fourth"), OfA, OfB));
        Assert.Equal(["second"], Serving([OfA, .. BothDone(training), new BatchMissing(training.Pass with { Number = 1 }, [TowerId.B])])); // another batch
    }

    [Fact]
    public void A_stop_while_a_group_forms_from_memory_waits_for_what_is_to_be_saved()
    {
        var limits = NewState(1000, 50, 1).Limits;
        var saved = RunProgress.Start(limits) with { Steps = 7, StepsSaved = 7 };
        HeldSnapshot[] held = [.. TowerIds.Both.Select(t => new HeldSnapshot(t, new RunIdentity("", "", "cpu").Text, saved with { Steps = 10 }))];
        NodeOffer[] offers = [Offer("one", held: held) with { Loaders = [] }, Offer("two", held: held) with { Loaders = [] }, Loader("loader")];
        TrainingState Forming() => After(NewState(1000, 50, 1, saved), offers).State;
        object[] Answers(int generation) => [.. TowerIds.Both.Select(t => new GpuReady(generation, [t])), .. TowerIds.Both.Select(t => new TowersLoaded(generation, [t]))];

        var (state, _) = After(Forming(), new StopRun());
        Assert.Equal(Phase.Forming, state.Phase);
        (state, var effects) = After(state, Answers(state.Generation));
        Assert.Equal((Phase.Saving, 10), (state.Phase, effects.OfType<Effect.BeginCheckpoint>().Single().Steps));
        (state, _) = After(state, [.. BothSaved(state), new CheckpointCommitted(state.Progress.AfterCheckpoint(), "", "")]);
        Assert.Equal((Phase.Finished, 10), (state.Phase, state.Progress.StepsSaved));

        // A group that cannot form holds up nobody.
        Assert.Equal(Phase.Finished, After(Forming(), new NodeLost("loader", "killed"), new StopRun()).State.Phase);
        Assert.Equal(Phase.Finished, After(Forming(), new StopRun(), new NodeLost("loader", "killed")).State.Phase);
        Assert.Equal(Phase.Finished, After(Forming(), new StopRun(), new NodeLost("one", "killed")).State.Phase);
    }

    [Fact]
    public void A_stop_while_no_loader_serves_saves_as_soon_as_both_towers_say_that_they_wait()
    {
        var (alone, _) = Training(Tower("one"), Tower("two"), Loader("loader")).Apply(new NodeLost("loader", "killed"));
        (alone, _) = After(alone, BothDone(alone)); // with what was read ahead
        object OfA = new BatchMissing(alone.Pass, [TowerId.A]), OfB = new BatchMissing(alone.Pass, [TowerId.B]);
        foreach (object ends in new object[] { new StopRun(), new NodeLeaves("one") })
        {
            Assert.Equal(Phase.Training, After(alone, ends, OfA).State.Phase); // the other may have the batch
            Assert.Equal(Phase.Saving, After(alone, ends, OfA, OfB).State.Phase);
            Assert.Equal(Phase.Saving, After(alone, OfA, OfB, ends).State.Phase);
            Assert.Equal(Phase.Training, After(alone, ends, Loader("another"), OfA, OfB).State.Phase); // it brings the batch
        }
        Assert.Equal(Phase.Training, After(alone, OfA, OfB).State.Phase); // nobody asked
        var (stopped, _) = After(alone, new StopRun(), OfA, OfB);
        (stopped, _) = After(stopped, [.. BothSaved(stopped), new CheckpointCommitted(stopped.Progress.AfterCheckpoint(), "", "")]);
        Assert.Equal((Phase.Finished, 1), (stopped.Phase, stopped.Progress.StepsSaved));
    }

    [Fact]
    public void A_tower_that_waits_for_a_batch_saves_what_it_has_and_nothing_that_it_has_not()
    {
        Seat[] seats = [new([TowerId.A], "one", "cpu", "cpu", "cpu", "one:1", new SimulatedRef("a")), new([TowerId.B], "two", "cpu", "cpu", "cpu", "two:1", new SimulatedRef("b"))];
        var gpu = new GpuState(seats[0].Actor);
        foreach (object message in new object[]
        {
            new FormGroup(1, seats, "", "", 1000, ActorRefs.Nobody, "one", "one:1", 1000), new GpuState.LinkChanged(1, LinkPurpose.Exchange, "two", null), new GpuState.LinkChanged(1, LinkPurpose.Snapshots, "two", null),
            new MeanReady(1, []), new GpuReady(1, [TowerId.A]), new LoadTowers(1, WeightSource.Seed, NewState(10, 5, 1).Progress, []), new TowersLoaded(1, [TowerId.A]), new RunStep(new PassId(1, PassKind.Train, 0), 1),
        })
            gpu = gpu.Apply(message).State;
        Assert.True(gpu.Waiting);
        Assert.Equal(new GpuState.Effect.Save(0), Assert.Single(gpu.Apply(new SaveTowers(1, 0)).Effects));
        Assert.Empty(gpu.Apply(new SaveTowers(1, 1)).Effects);
        TakeSnapshot Snapshot(int generation, long steps) => new(generation, NewState(10, 5, 1).Progress with { Steps = steps }, Keep: -1);
        Assert.Equal([new GpuState.Effect.Announce(Snapshot(1, 0).Progress, -1), new GpuState.Effect.Snapshot(0)], gpu.Apply(Snapshot(1, 0)).Effects);
        Assert.Empty(gpu.Apply(Snapshot(1, 1)).Effects);
        Assert.Empty(gpu.Apply(Snapshot(2, 0)).Effects);
    }

    /// <summary>A batch trained twice and the next skipped, a sample twice and another never, a tower with another batch than its partner, none at all.</summary>
    [Fact]
    public void A_step_on_other_samples_than_those_that_come_next_does_not_count_and_is_done_once_more()
    {
        StepRecords Records(long step, params int[] records) => StepRecords.Of(records, step, epochRecords: 20);
        RunProgress? Train(TrainingState state, StepRecords? a, StepRecords? b, string? refused = null)
        {
            (state, _) = state.Apply(new PassDone(state.Pass, [TowerId.A], new Score(10, 1, 0, 0), 0, 0, 0, 0, [], a));
            var ofB = new PassDone(state.Pass, [TowerId.B], new Score(10, 1, 0, 0), 0, 0, 0, 0, [], b);
            (var after, var effects) = state.Apply(ofB);
            if (refused is null) return after.Progress;
            Assert.DoesNotContain(effects, e => e is Effect.Publish { Event: StepCompleted });
            Assert.Contains(refused, BrokenBy(effects));
            (after, effects) = (state with { WentWrongAt = state.Progress.Steps }).Apply(ofB);
            Assert.Equal((Phase.Failed, state.Progress), (after.Phase, after.Progress));
            Assert.Contains(refused, Assert.IsType<RunFailed>(Assert.IsType<Effect.Publish>(effects[0]).Event).Reason);
            return null;
        }
        int[] first = [.. Enumerable.Range(0, 10)], second = [.. Enumerable.Range(10, 10)];
        var start = Formed(records: 20) with { Phase = Phase.Training };
        var progress = Train(start, Records(0, first), Records(0, first))!;
        Assert.Equal(new Ledger(0, 10, RecordSum.Of(first)), progress.Ledger);
        var then = start with { Progress = progress, Pass = new PassId(0, PassKind.Train, 1) };
        Assert.Equal(new Ledger(1, 0, default), Train(then, Records(1, second), Records(1, second))!.Ledger);

        Train(then, Records(1, second), Records(1, [.. second.Reverse()]), "the towers were trained on different batches at step 1: tower A on");
        Train(then, Records(1, second), null, "tower B on it does not say what");
        Train(then, Records(1, first), Records(1, first), "epoch 1 has had 20 samples, but not each record once");
        Train(then, Records(1, [.. second[..9], 3]), Records(1, [.. second[..9], 3]), "not each record once");
        Train(then, Records(2, second), Records(2, second), "step 1 was trained on other samples than those that come next: its records are 10 of epoch 2, where 10 of epoch 1 are left");
    }

    [Fact]
    public void A_run_asked_to_stop_saves_what_it_did_and_the_rest_goes_on_from_there() =>
        Gen.Select(Gen.ULong, Gen.Int[5, 60], Gen.Long[1, 40], Gen.Bool).Sample((seed, records, steps, oneDevice) =>
        {
            var whole = new World(seed, NewState(records, steps, 2), oneDevice);
            whole.Run();
            var first = new World(seed, NewState(records, steps, 2), oneDevice) { Interruptions = new([new StopRun()]) };
            first.Run();
            Assert.Equal(Phase.Finished, first.State.Phase);
            Assert.Equal(first.State.Progress.Steps, first.State.Progress.StepsSaved);
            var second = new World(seed + 1, NewState(records, steps, 2, first.State.Progress), oneDevice);
            second.Run();
            Assert.Equal(whole.Events.OfType<StepCompleted>().Select(e => (e.Step, e.Rate)), first.Events.Concat(second.Events).OfType<StepCompleted>().Select(e => (e.Step, e.Rate)));
            Assert.Equal(whole.State.Progress with { StepsSaved = 0 }, second.State.Progress with { StepsSaved = 0 });
        }, iter: 1000);

    [Fact]
    public void A_run_that_is_paused_and_saved_at_any_time_does_the_same_steps_and_ends() =>
        Gen.Select(Gen.ULong, Gen.Int[5, 60], Gen.Long[1, 40], Gen.Int[0, 6]).Sample((seed, records, steps, disturbances) =>
        {
            var calm = new World(seed, NewState(records, steps, 1), oneDevice: false);
            calm.Run();
            var world = new World(seed, NewState(records, steps, 1), oneDevice: false)
            {
                Disturbances = disturbances,
                Interruptions = new([new SaveRun(), new PauseRun(), new SaveRun(), new ContinueRun(), new PauseRun(), new PauseRun(), new ContinueRun()]),
            };
            world.Run();

            Assert.Equal(Phase.Finished, world.State.Phase);
            Assert.Equal(calm.StepsThatCount(), world.StepsThatCount());
            Assert.Equal(calm.State.Progress, world.State.Progress);
        }, iter: 3000);

    [Fact]
    public void A_pause_waits_for_nobody_saves_when_asked_and_ends_with_the_run()
    {
        var (paused, effects) = (Formed() with { Phase = Phase.Loading, PauseAsked = true, Answered = [TowerId.A] }).Apply(new TowersLoaded(1, [TowerId.B]));
        Assert.Equal(Phase.Paused, paused.Phase);
        Assert.IsType<Effect.ExpectNothing>(effects[^1]);
        Assert.Equal(paused, paused.Apply(new SaveRun()).State); // nothing is done that is not saved
        var trained = paused with { Progress = paused.Progress.AfterStep(), Limits = paused.Limits with { Records = 1000 } }; // within an epoch
        Assert.Equal(1, trained.Apply(new SaveRun()).Effects.OfType<Effect.BeginCheckpoint>().Single().Steps);
        Assert.Equal(Phase.Saving, trained.Apply(new StopRun()).State.Phase);
        Assert.Equal(Phase.Saving, trained.Apply(new NodeLeaves("n")).State.Phase);
        Assert.DoesNotContain(trained.Apply(new Nudged()).Effects, e => e is Effect.ToGpus);
        Assert.Equal(Phase.Training, trained.Apply(new ContinueRun()).State.Phase);
    }

    static NodeOffer Offer(string node, string device = "cpu", TowerId[]? pinned = null, HeldSnapshot[]? held = null) =>
        new("1", node, new SimulatedRef(node), 0, null, null, [new(new SimulatedRef($"gpu of {node}"), device, device, device, pinned ?? [])], [ActorRefs.Nobody], node + ":1", held ?? []);

    static (TrainingState State, IReadOnlyList<Effect> Effects) After(TrainingState state, params object[] messages)
    {
        var effects = new List<Effect>();
        foreach (object message in messages)
        {
            (state, var more) = state.Apply(message);
            effects.AddRange(more);
        }
        return (state, effects);
    }

    static NodeOffer Tower(string node) => Offer(node) with { Loaders = [] };

    static NodeOffer Loader(string node) => Offer(node) with { Gpus = [] };

    /// <summary>A group in its first step.</summary>
    static TrainingState Training(params NodeOffer[] offers)
    {
        var (state, _) = After(NewState(records: 1000, steps: 50, loaders: 1), offers);
        (state, _) = After(state, [.. TowerIds.Both.Select(t => new GpuReady(state.Generation, [t])), .. TowerIds.Both.Select(t => new TowersLoaded(state.Generation, [t]))]);
        Assert.Equal(Phase.Training, state.Phase);
        return state;
    }

    static object[] BothDone(TrainingState state) =>
        [.. TowerIds.Both.Select(t => new PassDone(state.Pass, [t], new Score(10, 1, 0, 0), 0, 0, 0, 0, [], ToyTower.Records(ToyTower.Plan(state.Limits), state.Pass.Number)))];

    static object[] BothSaved(TrainingState state) => [.. TowerIds.Both.Select(t => new TowerSaved(state.Generation, state.Progress.Steps, t, "", []))];

    /// <summary>Whether a deadline runs after these effects; null when they leave it as it was.</summary>
    static bool? IsAwaited(IReadOnlyList<Effect> effects) => effects.LastOrDefault(e => e is Effect.Expect or Effect.ExpectNothing) is { } last ? last is Effect.Expect : null;

    [Fact]
    public void While_no_loader_serves_a_pass_has_no_deadline_and_a_checkpoint_has()
    {
        var (state, effects) = Training(Tower("one"), Tower("two"), Loader("first")).Apply(new NodeLost("first", "killed"));
        Assert.False(IsAwaited(effects));
        while (state.Phase == Phase.Training)
        {
            (state, var more) = After(state, BothDone(state)); // with what was read ahead
            Assert.Equal(state.Phase == Phase.Saving, IsAwaited(more));
        }
        (state, var inSaving) = After(state, Loader("second"), new NodeLost("second", "killed"));
        Assert.NotEqual(false, IsAwaited(inSaving));
        (state, _) = After(state, BothSaved(state));
        (state, var trains) = After(state, new CheckpointCommitted(state.Progress.AfterCheckpoint(), "", ""));
        Assert.Equal((Phase.Training, false), (state.Phase, IsAwaited(trains)));
        Assert.True(IsAwaited(After(state, Loader("third")).Effects));
    }

    static string[] Nodes(TrainingState state) => [.. state.Seating!.Seats.Select(s => s.Node)];

    [Fact]
    public void A_device_that_fails_twice_at_one_step_gives_way_to_one_that_stands_by()
    {
        static MemberFailed OfB(TrainingState state) => new(state.Generation, "tower B on cpu", "the driver is gone", [TowerId.B]);
        var (state, _) = After(NewState(10, 5, 1), Offer("one"), Offer("two"), Offer("spare"));
        Assert.Equal(["one", "two"], Nodes(state));
        (state, _) = state.Apply(OfB(state));
        Assert.Equal(["one", "two"], Nodes(state)); // it may have been an accident
        (state, var effects) = state.Apply(OfB(state));
        Assert.Equal(["one", "spare"], Nodes(state));
        Assert.Contains("a device that stood by takes its place", effects.OfType<Effect.Publish>().Select(e => e.Event).OfType<GroupBroken>().Single().Why);
        Assert.Contains("standing by: cpu of two, which failed", effects.OfType<Effect.Publish>().Select(e => e.Event).OfType<GroupFormed>().Single().Seats);

        // The one that was waited for is suspected, whoever says so; and with nothing left to try the run ends with the reason.
        (state, _) = state.Apply(new DeadlinePassed(300));
        Assert.Equal(Phase.Failed, state.Phase);
        (state, _) = After(NewState(10, 5, 1), Offer("one"), Offer("two"), Offer("spare"));
        (state, _) = state.Apply(new MemberFailed(state.Generation, "tower A on cpu", "waited for tower B", [TowerId.B]));
        (state, _) = state.Apply(new GpuReady(state.Generation, [TowerId.A]));
        Assert.Equal(["one", "spare"], Nodes(state.Apply(new DeadlinePassed(300)).State));

        // Better a device that failed than none.
        (state, _) = After(NewState(10, 5, 1), Offer("one"), Offer("two"), Offer("spare"));
        (state, _) = state.Apply(OfB(state));
        (state, _) = state.Apply(OfB(state));
        Assert.Equal(["one", "two"], Nodes(state.Apply(new NodeLost("spare", "killed")).State));
    }

    [Fact]
    public void A_node_without_one_of_its_actors_is_lost_and_the_run_goes_on()
    {
        var (state, _) = After(NewState(10, 5, 1), Offer("one"), Offer("two"), Offer("spare"));
        (state, var effects) = state.Apply(new NodeBroken("spare", "its loader-0 failed: no access"));
        Assert.Equal(["one", "two"], Nodes(state));
        Assert.Equal(new NodeGone("spare", "its loader-0 failed: no access"), effects.OfType<Effect.Publish>().First().Event);
        (state, _) = state.Apply(new NodeBroken("two", "its gpu-0 failed: no memory"));
        Assert.Equal(Phase.Assembling, state.Phase);
        Assert.Same(state, state.Apply(new NodeBroken("stranger", "no")).State);
    }

    [Fact]
    public void A_tower_that_loses_the_archive_ends_the_group_whatever_else_that_node_holds()
    {
        static NodeOffer Coordinates(int loaders) => new("1", "c", new SimulatedRef("c"), 0, null, null, [], [.. Enumerable.Repeat(ActorRefs.Nobody, loaders)], "c:1", []);
        foreach (int loaders in new[] { 0, 1 })
        {
            var (state, _) = After(NewState(10, 5, 1), Coordinates(loaders), Offer("one"), Offer("two"));
            for (int generation = 1; generation <= 3; generation++)
            {
                Assert.Equal((Phase.Forming, generation), (state.Phase, state.Generation));
                (state, var effects) = state.Apply(new LinkLost(generation, "c", LinkPurpose.State, "archive at c:1 cannot be reached"));
                Assert.Equal("c is gone while the group formed: archive at c:1 cannot be reached", effects.OfType<Effect.Publish>().Select(e => e.Event).OfType<GroupBroken>().Single().Why);
                if (generation < 2) (state, _) = state.Apply(Coordinates(loaders)); // the next time before it has offered again
            }
        }
    }

    [Fact]
    public void A_loader_whose_connection_is_lost_ends_no_group()
    {
        var (state, _) = After(NewState(10, 5, 1), Offer("one"), Offer("two"), Offer("spare"));
        (state, var effects) = state.Apply(new LinkLost(state.Generation, "spare", LinkPurpose.Batches, "cut"));
        Assert.Equal((Phase.Forming, 1), (state.Phase, state.Generation));
        Assert.Equal(["one", "two"], effects.OfType<Effect.Publish>().Select(e => e.Event).OfType<LoadersChanged>().Single().Nodes);
    }

    [Fact]
    public void A_coordinator_that_hands_over_does_not_say_that_the_run_is_over()
    {
        var (over, _) = After(Formed(), new StopRun());
        Assert.Equal(new RunOver(false, "stopped as asked"), over.Apply(Offer("late")).Effects.OfType<Effect.Answer>().Single().Message);
        var (handed, _) = After(Formed(), new StopRun(HandsOver: true));
        Assert.Equal(Phase.Finished, handed.Phase);
        Assert.Empty(handed.Apply(Offer("late")).Effects);
    }

    [Fact]
    public void A_checkpoint_that_gets_its_name_late_counts_whatever_has_happened_meanwhile()
    {
        var saved = Formed().Progress.AfterStep().AfterCheckpoint();
        var (broken, _) = After(Formed(), new NodeLost("n", "killed"));
        var (late, effects) = broken.Apply(new CheckpointCommitted(saved, "step-1", "abc"));
        Assert.Equal(new Effect.Publish(new CheckpointWritten(1, "step-1", "abc")), Assert.Single(effects));
        Assert.Equal((saved, saved, "step-1"), (late.Saved, late.Progress, late.Checkpoint));
        var (formed, _) = After(late, Offer("one", pinned: [TowerId.A, TowerId.B]));
        Assert.Equal((WeightSource.Archive, "step-1"), (formed.From!.From, formed.From.Checkpoint));
        Assert.Same(formed, formed.Apply(new CheckpointCommitted(saved, "step-1", "abc")).State); // said twice
    }

    [Fact]
    public void A_run_whose_last_checkpoint_gets_its_name_late_is_over_and_waits_for_nobody()
    {
        var last = Formed().Progress with { Steps = 5, EpochsValidated = 5, ValidatedSteps = 5, StepsSaved = 5 };
        var (broken, _) = After(Formed(), new NodeLost("n", "killed"));
        var (over, effects) = broken.Apply(new CheckpointCommitted(last, "step-5", "abc"));
        Assert.Equal(Phase.Finished, over.Phase);
        Assert.Equal([new CheckpointWritten(5, "step-5", "abc"), new RunFinished(5, "all steps are done")], effects.OfType<Effect.Publish>().Select(e => e.Event));
        Assert.Equal(new RunOver(false, "all steps are done"), over.Apply(Offer("late")).Effects.OfType<Effect.Answer>().Single().Message);
    }

    [Fact]
    public void What_lies_in_memory_of_half_a_network_of_another_run_or_behind_the_end_of_this_one_is_not_taken_up()
    {
        HeldSnapshot Held(TowerId tower, long steps, string data = "") => new(tower, new RunIdentity("", data, "cpu").Text, NewState(10, 5, 1).Progress with { Steps = steps });
        NodeOffer Holder(params HeldSnapshot[] held) => Offer("n", pinned: [TowerId.A, TowerId.B], held: held);
        RestorePoint From(params HeldSnapshot[] held) => After(NewState(10, steps: 5, 1), Holder(held)).State.From!;
        Assert.Equal((WeightSource.Memory, 5), (From(Held(TowerId.A, 5), Held(TowerId.B, 5)).From, From(Held(TowerId.A, 5), Held(TowerId.B, 5)).Progress.Steps));
        Assert.Equal(WeightSource.Seed, From(Held(TowerId.A, 6), Held(TowerId.B, 6)).From);
        Assert.Equal(WeightSource.Seed, From(Held(TowerId.A, 5)).From);
        Assert.Equal(WeightSource.Seed, From(Held(TowerId.A, 5), Held(TowerId.B, 4)).From);
        Assert.Equal(WeightSource.Seed, From(Held(TowerId.A, 5, "other"), Held(TowerId.B, 5, "other")).From);
        Assert.Equal(3, From(Held(TowerId.A, 3), Held(TowerId.B, 3), Held(TowerId.A, 5), Held(TowerId.B, 5, "other")).Progress.Steps);

        long WholeEverywhere(params HeldSnapshot[] held) => RestorePoint.WholeEverywhere(Seating.Of([Holder(held)], null)!, After(NewState(10, steps: 5, 1), Holder(held)).State.Roster, new RunIdentity("", "", "cpu").Text);
        Assert.Equal(5, WholeEverywhere(Held(TowerId.A, 3), Held(TowerId.B, 3), Held(TowerId.A, 5), Held(TowerId.B, 5)));
        Assert.Equal(3, WholeEverywhere(Held(TowerId.A, 3), Held(TowerId.B, 3), Held(TowerId.A, 5), Held(TowerId.B, 5, "other")));
        Assert.Equal(-1, WholeEverywhere(Held(TowerId.A, 5), Held(TowerId.B, 3)));
    }

    [Fact]
    public void A_tower_stays_with_the_kind_of_device_that_it_was_begun_on()
    {
        string[] Seats(string? kind, params NodeOffer[] offers) => [.. (Seating.Of(offers, kind)?.Seats ?? []).Select(s => s.Node)];
        var (a, b) = (Offer("a", "cpu", [TowerId.A]), Offer("b", "cuda", [TowerId.B]));
        Assert.Equal(["a", "b"], Seats(null, a, b)); // pinned: as asked
        Assert.Equal("cpu+cuda", Seating.Of([a, b], null)!.Kind);
        Assert.Empty(Seats("cpu+cuda", Offer("x", "cuda"), b)); // a device of tower B's kind does not take tower A
        Assert.Equal(["y", "b"], Seats("cpu+cuda", Offer("x", "cuda"), Offer("y", "cpu"), b));
        Assert.Equal(["y", "x"], Seats("cpu+cuda", Offer("x", "cuda"), Offer("y", "cpu")));
        Assert.Empty(Seats(null, Offer("x", "cuda"), Offer("y", "cpu"))); // nobody asked for two kinds
        Assert.Equal(["y", "z"], Seats("cpu", Offer("x", "cuda"), Offer("y", "cpu"), Offer("z", "cpu")));
    }

    [Fact]
    public void Messages_of_another_generation_change_nothing()
    {
        var loading = Formed() with { Phase = Phase.Loading };
        Assert.Same(loading, loading.Apply(new TowersLoaded(loading.Generation - 1, [TowerId.A])).State);
        var training = Formed() with { Phase = Phase.Training, Pass = new PassId(1, PassKind.Train, 0) };
        Assert.Same(training, training.Apply(new PassDone(new PassId(0, PassKind.Train, 0), [TowerId.A], default, 0, 0, 0, 0, [], null)).State);
    }

    static TrainingState Formed(int records = 10)
    {
        var formed = NewState(records, 5, 1).Apply(new NodeOffer("1", "n", ActorRefs.Nobody, 0, null, null, [new(ActorRefs.Nobody, "cpu", "cpu", "cpu", [TowerId.A, TowerId.B])], [ActorRefs.Nobody], "", [])).State;
        Assert.Equal(Phase.Forming, formed.Phase);
        return formed;
    }

    [Fact]
    public void A_group_is_above_every_generation_that_a_node_has_heard_of()
    {
        var formed = Formed();
        var late = new NodeOffer("1", "late", ActorRefs.Nobody, Generation: 7, null, null, [], [ActorRefs.Nobody], "", []);
        var (state, effects) = formed.Apply(late);
        Assert.Equal(8, state.Generation);
        Assert.Equal(formed.Generation, effects.OfType<Effect.Disband>().Single().Message.Generation);
        Assert.Single(effects.OfType<Effect.Form>());
    }
}
