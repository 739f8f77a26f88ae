using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Model;
using Spectre.Console;

namespace AlexNetActors.App;

/// <summary>alexnet plan: the layer table of a recipe and what a step costs.</summary>
static class PlanCommand
{
    const string DefaultRecipe = "paper";

    public static Command Define()
    {
        var recipe = Options.Recipe(DefaultRecipe);
        var set = Options.Set();
        var json = Options.Json();
        var command = new Command("plan", "Shows a recipe's layers, parameters, memory and exchanges.") { recipe, set, json };
        command.SetAction(p => Show(RecipeReader.Read(p.GetValue(recipe) ?? DefaultRecipe, Settings.Parse(p.GetValue(set)!)), NodeSettings.Read(Settings.Parse(p.GetValue(set)!)), new Output(p.GetValue(json))));
        return command;
    }

    static int Show(Recipe recipe, NodeSettings node, Output output)
    {
        var plan = NetworkPlan.Of(recipe);
        output.Table(Layers(recipe.Network));
        var result = output.Result;
        result.WriteLine($"Recipe {recipe.Name}, batch {recipe.Batch}.");
        result.WriteLine($"Parameters {Words.Count(recipe.Network.Parameters)}; neurons {Words.Count(recipe.Network.Neurons)}; an image takes {Words.Flop(plan.ForwardFlop)} forward, {Words.Flop(plan.StepFlop)} in training.");
        result.WriteLine($"Each tower holds {Words.Bytes(plan.ActivationBytes)} of activations and their gradients and {Words.Bytes(plan.WeightBytes)} of weights, gradients and velocities (a device may pad them).");
        result.WriteLine($"A tower on a GPU takes at most {Words.Bytes(plan.GpuBytes)} of its memory, both on one {Words.Bytes(2 * plan.GpuBytes)}.");
        if (node.SnapshotSteps > 0)
            result.WriteLine($"In a cluster each tower's weights and velocities, {Words.Bytes(SnapshotBytes(recipe))}, are copied every {node.SnapshotSteps} steps into the memory of both towers' nodes, {Words.Bytes(4 * SnapshotBytes(recipe))} on each: a lost node costs at most {2 * node.SnapshotSteps} steps, {Words.Count(2L * node.SnapshotSteps * recipe.Batch)} images, done again; both at once those since the last checkpoint, {recipe.CheckpointSteps} at most.");
        output.Table(Exchanges(plan));
        output.Json(Json(recipe, plan));
        return 0;
    }

    /// <summary>Of one tower; a node holds two of each tower, the last whole one and the next.</summary>
    static long SnapshotBytes(Recipe recipe) => sizeof(float) * recipe.Network.Layers.Sum(l => l.Parameters);

    static Table Layers(Network network)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("layer", "sees", "kernels, two towers", "output of a tower", "then").AddColumns(Right("parameters"), Right("neurons"), Right("MACs an image"));
        foreach (var l in network.Layers)
        {
            var f = l.Filter;
            string then = string.Join(", ", new[] { l.Rectified ? "rectify" : "softmax", l.Spec.Normalize ? "normalize" : "", l.Spec.Pool ? "pool 3/2" : "", l.Spec.Dropout > 0 ? FormattableString.Invariant($"dropout {l.Spec.Dropout}") : "" }.Where(s => s != ""));
            string kernels = l.Spec.FullyConnected ? $"2 x {f.Kernels} of {f.Channels * f.Height * f.Width}" : $"2 x {f.Kernels} of {f.SizeY}x{f.SizeX}x{f.Channels}{(f.Stride > 1 ? $" stride {f.Stride}" : "")}";
            table.AddRow(l.Name, l.Index == 0 ? "picture" : l.Spec.SeesBoth ? "both towers" : "own tower", kernels, $"{l.Output.Channels}x{l.Output.Height}x{l.Output.Width}", then,
                Words.Count(l.Parameters), Words.Count(l.Neurons), Words.Count(l.MultiplyAccumulates));
        }
        return table.AddEmptyRow().AddRow("", "", "", "", "", Words.Count(network.Parameters), Words.Count(network.Neurons), Words.Count(network.MultiplyAccumulates));
    }

    static Table Exchanges(NetworkPlan plan)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn("exchange before").AddColumns(Right("forward, each way a step"), Right("backward"));
        foreach (var e in plan.Exchanges) table.AddRow(e.Name, Words.Bytes(e.Forward), e.Backward == 0 ? "" : Words.Bytes(e.Backward));
        return table.AddEmptyRow().AddRow("together", Words.Bytes(plan.Exchanges.Sum(e => e.Forward)), Words.Bytes(plan.Exchanges.Sum(e => e.Backward)));
    }

    static TableColumn Right(string title) => new TableColumn(title).RightAligned();

    static JsonObject Json(Recipe recipe, NetworkPlan plan) => new()
    {
        ["recipe"] = recipe.Name,
        ["batch"] = recipe.Batch,
        ["parameters"] = recipe.Network.Parameters,
        ["neurons"] = recipe.Network.Neurons,
        ["multiplyAccumulates"] = recipe.Network.MultiplyAccumulates,
        ["forwardFlop"] = plan.ForwardFlop,
        ["trainingFlop"] = plan.StepFlop,
        ["towerActivationBytes"] = plan.ActivationBytes,
        ["towerWeightBytes"] = plan.WeightBytes,
        ["towerGpuBytes"] = plan.GpuBytes,
        ["layers"] = new JsonArray([.. recipe.Network.Layers.Select(l => new JsonObject
        {
            ["name"] = l.Name,
            ["kernels"] = l.Spec.Kernels,
            ["kernelShape"] = new JsonArray(l.Filter.Channels, l.Filter.SizeY, l.Filter.SizeX),
            ["stride"] = l.Filter.Stride,
            ["towerOutput"] = new JsonArray(l.Output.Channels, l.Output.Height, l.Output.Width),
            ["parameters"] = l.Parameters,
            ["neurons"] = l.Neurons,
            ["multiplyAccumulates"] = l.MultiplyAccumulates,
        })]),
        ["exchanges"] = new JsonArray([.. plan.Exchanges.Select(e => new JsonObject { ["before"] = e.Name, ["forwardBytes"] = e.Forward, ["backwardBytes"] = e.Backward })]),
    };
}
