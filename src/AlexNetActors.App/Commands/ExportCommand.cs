using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Model.Onnx;

namespace AlexNetActors.App;

/// <summary>alexnet export: a trained network as one file that other programs read, the two towers merged into one network.</summary>
static class ExportCommand
{
    const string SafeTensorsExtension = ".safetensors", OnnxExtension = ".onnx";

    static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Define()
    {
        var of = new Argument<string>("RUN|CHECKPOINT") { Description = "A run folder (its best checkpoint, else the newest) or one of its checkpoints." };
        var file = new Argument<string>("FILE") { Description = "NAME.safetensors, a PyTorch state dict, or NAME.onnx; one that is there is replaced." };
        var json = Options.Json();
        var command = new Command("export", "Writes a trained network for PyTorch (.safetensors) or for whatever reads ONNX (.onnx).") { of, file, json };
        command.SetAction(p => Export(p.GetValue(of)!, p.GetValue(file)!, new Output(p.GetValue(json))));
        return command;
    }

    static int Export(string path, string file, Output output)
    {
        string extension = Path.GetExtension(file);
        if (extension is not (SafeTensorsExtension or OnnxExtension)) throw new UsageException($"{file} says by its name neither {SafeTensorsExtension} nor {OnnxExtension}: name a file that ends so");
        Options.CheckFile(file);
        var trained = TrainedNetwork.Open(path, best: true, output.Log.WriteLine);
        var whole = new WholeNetwork(trained.Run.ReadRecipe(trained.Manifest, Settings.None).Network);
        NamedValues[] values = [.. whole.Merge(trained.Towers[0], trained.Towers[1]), whole.CentreMean(trained.Manifest.ReadMean(trained.Run.Path), trained.Manifest.RecordSize)];
        var metadata = Metadata(trained);
        string sha256 = "";
        WholeFile.Write(file, partial => sha256 = extension == OnnxExtension
            ? OnnxFile.Write(partial, whole, values, ProgramVersion.Text, metadata)
            : StateDict.Write(partial, whole, values, metadata));

        long bytes = new FileInfo(file).Length;
        output.Log.WriteLine($"{trained.Folder} ({trained.Choice}), after step {trained.Checkpoint.Progress.Steps}");
        output.Result.WriteLine($"{file}: {Words.Count(whole.Network.Parameters)} parameters, {Words.Bytes(bytes)}, SHA-256 {sha256}");
        output.Json(new JsonObject
        {
            ["file"] = file,
            ["bytes"] = bytes,
            ["sha256"] = sha256,
            ["parameters"] = whole.Network.Parameters,
            ["checkpoint"] = trained.Folder,
            ["step"] = trained.Checkpoint.Progress.Steps,
            ["weightsSha256"] = trained.Checkpoint.WeightsSha256,
        });
        return 0;
    }

    /// <summary>What either file says of where it is from; its classes are the names of the outputs, but for one that only makes their number even.</summary>
    static Dictionary<string, string> Metadata(TrainedNetwork trained) => new()
    {
        ["recipe"] = trained.Manifest.Recipe,
        ["step"] = $"{trained.Checkpoint.Progress.Steps}",
        ["weights_sha256"] = trained.Checkpoint.WeightsSha256,
        ["classes"] = JsonSerializer.Serialize(trained.Manifest.Classes, Readable),
    };
}
