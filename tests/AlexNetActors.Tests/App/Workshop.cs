using System.Text.Json.Nodes;
using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>A folder with a tiny recipe and a few built-in pictures for the program to train on.</summary>
sealed class Workshop : IDisposable
{
    public const int Records = 20, ValidationRecords = 7, Batch = 8;

    public Workshop()
    {
        BuiltInPictures.Create(Data, new BuiltInSettings(Records, ValidationRecords, RecordSize: 36)).Dispose();
        File.WriteAllText(RecipeFile, """
            base = robust
            batch = 8
            network {
              input = 32
              conv1 { kernels = 4, size = 5, stride = 2, pad = 2, deviation = 0.002 }
              conv2 { kernels = 4, size = 3, pad = 1, deviation = 0.2 }
              conv3 { kernels = 6, deviation = 0.2 }
              conv4 { kernels = 6, deviation = 0.2 }
              conv5 { kernels = 4, deviation = 0.2 }
              fc6 { kernels = 8, deviation = 0.2 }
              fc7 { kernels = 8, deviation = 0.2 }
              fc8 { deviation = 0.2 }
            }
            schedule { patience = 100, epochs = 4 }
            checkpoint-steps = 3
            """);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("alexnet-app-").FullName;
    public string Data => In("data");
    public string RecipeFile => In("tiny.conf");
    public string In(string name) => Path.Combine(Folder, name);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Arguments that train the tiny recipe; more of them follow.</summary>
    public string[] Train(string run, params string[] more) => ["train", "--recipe", RecipeFile, "--data", Data, "--run", In(run), "--json", .. more];

    public string[] Resume(string run, params string[] more) => ["train", "--run", In(run), "--resume", "--json", .. more];

    public Alexnet.Result TrainTo(string run, int steps, params string[] more) => Alexnet.Run(Train(run, ["--steps", $"{steps}", .. more])).Expect(0);

    /// <summary>The digest that the definition of a run ends with.</summary>
    public string Expected(long steps)
    {
        using var device = new CpuDevice(1);
        return Expected(steps, device);
    }

    public string Expected(long steps, IDevice device)
    {
        using var data = DataFolder.Open(Data);
        var recipe = RecipeReader.Read(RecipeFile, Settings.None, data.Classes.Count);
        var trainer = new SequentialTrainer(recipe, data, device, new RunLimits(data.Train.Count, recipe.Batch, steps, recipe.CheckpointSteps, recipe.Schedule));
        trainer.Run();
        return trainer.Digest();
    }

    /// <summary>A run's whole lines of one kind: the last may still be being written. None while it has no metrics yet.</summary>
    public IReadOnlyList<JsonObject> Metrics(string run, string kind)
    {
        string path = Path.Combine(In(run), "metrics.jsonl");
        if (!File.Exists(path)) return [];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return [.. MetricsLine.Read(file).Select(l => l.Json ?? throw new InvalidDataException($"{path}: line {l.Number} is damaged")).Where(l => (string)l["kind"]! == kind)];
    }

    /// <summary>Checkpoints of a run, newest first.</summary>
    public IReadOnlyList<(long Steps, string Folder)> Checkpoints(string run) => new CheckpointFolder(Path.Combine(In(run), "checkpoints")).List();

    /// <summary>Changes one byte in the middle of a file.</summary>
    public static void Damage(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = stream.Length / 2;
        int was = stream.ReadByte();
        stream.Position--;
        stream.WriteByte((byte)(was ^ 0x10));
    }
}
