using System.Collections.Immutable;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>Who comes, who goes, and what that does to the group.</summary>
public sealed partial record TrainingState
{
    const string AskedToStop = "it was asked to stop";

    (TrainingState, ImmutableList<Effect>) Admit(NodeOffer offer)
    {
        if (Admission.Refusal(offer, Terms) is { } reason)
            return (this, [new Effect.Answer(offer, new NodeRefused(reason)), new Effect.Publish(new NodeTurnedAway(offer.Node, reason))]);
        var known = Roster.Find(offer.Node);
        if (known is not null && !known.Actor.Equals(offer.Actor)) // it died and is back before anybody noticed
        {
            var (without, effects) = Lose(offer.Node, "it has started again", hears: false);
            var (with, more) = without.Admit(offer);
            return (with, effects.AddRange(more));
        }
        var admitted = new Effect.Answer(offer, new NodeAdmitted());
        bool serves = known is not null && (offer.Loaders.Length == 0 || Roster.Serves(offer.Node) || Roster.PassedOver.Contains(offer.Node));
        var state = this with
        {
            Roster = known is null ? Roster.With(offer) : serves ? Roster.Update(offer) : Roster.Update(offer).WithLoadersOf(offer),
            GenerationHeardOf = Math.Max(GenerationHeardOf, offer.Generation),
        };
        ImmutableList<Effect> joined = known is null ? [admitted, new Effect.Publish(new NodeJoined(offer.Node, Describe(offer)))] : [admitted];
        bool news = known is null || !serves || !known.Held.SequenceEqual(offer.Held);
        if (Phase == Phase.Assembling) return news ? state.FormWhenComplete(joined) : (state, joined);
        if (offer.Generation > Generation) return state.Regroup($"{offer.Node} has heard of generation {offer.Generation}, which another coordinator led", joined);
        return offer.Loaders.Length > 0 && !serves ? state.ShareOut(joined, $"{offer.Node} serves, too") : (state, joined);
    }

    /// <summary>Who may hold snapshots and has not said so.</summary>
    ImmutableHashSet<string> Silent => IsSettled ? [] : GpuNodes.Except(Roster.Nodes.Select(n => n.Node));

    (TrainingState, ImmutableList<Effect>) Hear(Company m)
    {
        var state = this with { GpuNodes = m.GpuNodes, Alone = m.Alone };
        if (state.Alone is not null && Seating is not null) return state.Regroup($"no majority of the nodes: {state.Alone}", []);
        return state.FormIfAssembling([]);
    }

    /// <summary>Every so many steps, and at once in a new group: until its members hold both towers each, the loss of one costs more.</summary>
    bool SnapshotIsDue
    {
        get
        {
            if (Group.SnapshotSteps == 0 || Progress.Steps == 0 || SnapshotAsked == Progress.Steps) return false;
            long whole = WholeEverywhere;
            bool pending = SnapshotAsked > whole && Progress.Steps < SnapshotAsked + 2 * Group.SnapshotSteps;
            return whole < Progress.Steps && !pending && (SnapshotAsked < 0 || Progress.Steps % Group.SnapshotSteps == 0);
        }
    }

    long WholeEverywhere => RestorePoint.WholeEverywhere(Seating!, Roster, Terms.Identity.Text);

    /// <summary>The snapshot that is not overwritten while the next one is taken.</summary>
    long SnapshotKept => Math.Max(WholeEverywhere, From is { From: WeightSource.Memory } memory ? memory.Progress.Steps : -1);

    /// <summary>The checkpoint that was to be loaded has been damaged: the one before it is used.</summary>
    (TrainingState, ImmutableList<Effect>) FallBack(CheckpointDamaged m) =>
        (this with { Saved = m.Before?.Progress ?? RunProgress.Start(Limits), Checkpoint = m.Before?.Folder }).Regroup(m.Reason, []);

    static string Describe(NodeOffer offer)
    {
        string gpus = string.Join(" and ", offer.Gpus.Select(g => g.Pinned.Length == 0 ? g.Device : $"{g.Device} for tower {string.Join('+', g.Pinned)}"));
        string loaders = offer.Loaders.Length switch { 0 => "", 1 => "a loader", var n => $"{n} loaders" };
        return string.Join(", ", new[] { gpus, loaders }.Where(w => w != "")) is { Length: > 0 } all ? all : "no device and no loader";
    }

    /// <summary>
    /// A node is gone, or a tower's connection with it is. That ends the group also where no tower is at the other end: without the archive's a
    /// tower can neither load nor save.
    /// </summary>
    /// <param name="node">Its name.</param>
    /// <param name="reason">In words.</param>
    /// <param name="hears">Whether it may still be there: then it is asked to offer again.</param>
    (TrainingState, ImmutableList<Effect>) Lose(string node, string reason, bool hears)
    {
        string broken = $"{node} is gone {When}: {reason}";
        if (Roster.Find(node) is not { } lost) return hears ? Regroup(broken, []) : (this, []);
        ImmutableList<Effect> effects = [new Effect.Publish(new NodeGone(node, reason))];
        if (hears) effects = effects.Add(new Effect.Answer(lost, new OfferAgain()));
        var state = this with { Roster = Roster.Without(node), Leaving = Leaving.Remove(node) };
        if (hears || Seating?.Nodes.Contains(node) == true) return state.Regroup(broken, effects);
        if (Phase == Phase.Assembling) return state.FormWhenComplete(effects);
        return Roster.Serves(node) ? state.ShareOut(effects, $"{node} is gone") : (state, effects);
    }

    string When => Phase switch
    {
        Phase.Forming => "while the group formed",
        Phase.Loading => "while the weights were loaded",
        Phase.Saving => $"while the checkpoint after step {Progress.Steps} was written",
        Phase.Paused => "while the run was paused",
        _ => $"in {Pass}",
    };

    /// <summary>The node's loaders are taken out; with <paramref name="again"/> it is asked whether they still are there.</summary>
    (TrainingState, ImmutableList<Effect>) LoseLoaders(string node, string reason, bool again = true)
    {
        if (!Roster.Serves(node) || (!again && Roster.Serving.All(l => l.Node == node))) return (this, []); // no other could serve
        var state = this with { Roster = Roster.WithoutLoadersOf(node, passOver: !again) };
        return state.ShareOut(again ? [new Effect.Answer(Roster.Find(node)!, new OfferAgain())] : [], $"{node} serves no more: {reason}");
    }

    /// <summary>Both towers miss the same batch at the same time: once it is another loader's to bring, what a tower says first has nothing to do with that one.</summary>
    (TrainingState, ImmutableList<Effect>) MissBatch(BatchMissing m)
    {
        var state = this with { Missing = Missing.Union(m.Towers) };
        if (Roster.Serving.IsEmpty) return state.EndIfNothingRuns([]);
        if (BatchPassedOn && !Missing.IsSupersetOf(m.Towers)) return (state, []);
        string server = ServerOf(m.Pass);
        if (Roster.Serving.Any(l => l.Node != server))
        {
            var (passedOn, effects) = LoseLoaders(server, $"its batch of {m.Pass} did not come", again: false);
            return (passedOn with { Missing = [.. m.Towers] }, effects); // from now on it waits for the others
        }
        state = state with { BatchLate = true };
        return (state, [new Effect.Publish(new GroupWaits(state.Awaited()))]);
    }

    string ServerOf(PassId pass) => Roster.Serving[(int)(pass.Number % Roster.Serving.Count)].Node;

    (TrainingState, ImmutableList<Effect>) Leave(string node)
    {
        if (Roster.Find(node) is not { } leaver) return (this, []);
        bool needed = Seating is not null && Seating.Nodes.Contains(node) && Phase is Phase.Training or Phase.Validating or Phase.Saving or Phase.Paused;
        if (needed) return (this with { Leaving = Leaving.Add(node) }).EndIfNothingRuns([]); // let go by Continue, after a checkpoint
        var (state, effects) = Lose(node, AskedToStop, hears: false);
        return (state, effects.Insert(0, new Effect.Answer(leaver, new NodeReleased())));
    }

    /// <summary>The group ends; those who were asked to stop go, the others form a new one as soon as they can.</summary>
    (TrainingState, ImmutableList<Effect>) Regroup(string why, ImmutableList<Effect> effects)
    {
        var leavers = Roster.Nodes.Where(n => Leaving.Contains(n.Node)).ToArray();
        var state = this with
        {
            Phase = Phase.Assembling,
            Seating = null,
            Answered = [],
            Progress = Saved,
            Roster = leavers.Aggregate(Roster, (r, n) => r.Without(n.Node)),
            Leaving = [],
        };
        effects = effects
            .AddRange(leavers.SelectMany(n => new Effect[] { new Effect.Answer(n, new NodeReleased()), new Effect.Publish(new NodeGone(n.Node, AskedToStop)) }))
            .AddRange([new Effect.Disband(new DisbandGroup(Generation, why)), new Effect.Publish(new GroupBroken(Generation, why)), new Effect.ExpectNothing()]);
        return Stopping ? state.Continue(effects) : state.FormWhenComplete(effects);
    }

    /// <summary>The loaders that serve now share the batches that are not trained on yet. While there is none the group waits.</summary>
    (TrainingState, ImmutableList<Effect>) ShareOut(ImmutableList<Effect> effects, string why)
    {
        if (Seating is null) return (this, effects);
        if (Roster.Serving.IsEmpty && Roster.WithAllLoaders() is { Serving.IsEmpty: false } all) return (this with { Roster = all }).ShareOut(effects, why);
        string[] nodes = [.. Roster.Serving.Select(l => l.Node).Distinct()];
        effects = effects.Add(new Effect.Publish(new LoadersChanged(nodes, why)));
        if (Phase != Phase.Paused) effects = effects.Add(Await);
        if (nodes.Length == 0) return EndIfNothingRuns(effects);
        var state = this with { Round = Round + 1, Missing = [], BatchPassedOn = true, BatchLate = false, CreditFrom = Phase == Phase.Validating ? Pass.Number : Progress.Steps };
        effects = effects.Add(new Effect.AssignLoaders());
        return (state, Phase is Phase.Training or Phase.Validating ? effects.Add(new Effect.ToLoaders(state.Credit(Pass))) : effects);
    }
}
