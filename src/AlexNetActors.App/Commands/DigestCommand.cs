using System.CommandLine;
using System.Text.Json.Nodes;

namespace AlexNetActors.App;

/// <summary>alexnet digest: the SHA-256 of a checkpoint's weights, computed from the weights as they are read.</summary>
static class DigestCommand
{
    public static Command Define()
    {
        var of = new Argument<string>("RUN|CHECKPOINT") { Description = "A run folder (its newest whole checkpoint) or one of its checkpoints." };
        var json = Options.Json();
        var command = new Command("digest", "Prints the SHA-256 of the weights in canonical order.") { of, json };
        command.SetAction(p => Show(p.GetValue(of)!, new Output(p.GetValue(json))));
        return command;
    }

    static int Show(string path, Output output)
    {
        var network = TrainedNetwork.Open(path, best: false, output.Log.WriteLine);
        output.Log.WriteLine($"{network.Folder} ({network.Choice}), after step {network.Checkpoint.Progress.Steps}");
        output.Result.WriteLine(network.Checkpoint.WeightsSha256);
        output.Json(new JsonObject { ["weightsSha256"] = network.Checkpoint.WeightsSha256, ["step"] = network.Checkpoint.Progress.Steps, ["checkpoint"] = network.Folder });
        return 0;
    }
}
