using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>A resolved recipe as HOCON: every key, none left to a default. Reading it again gives the same recipe.</summary>
public static class RecipeText
{
    /// <summary>Keys that say how long to train and when to write; they change no number of a step.</summary>
    static readonly string[] Extent = ["schedule.epochs", "checkpoint-steps"];

    const string Is = " = ", On = "on", Off = "off";

    /// <summary>Every key with its value, in the order of paper.conf.</summary>
    public static IReadOnlyList<(string Key, string Value)> Lines(Recipe r)
    {
        var lines = new List<(string, string)>();
        void Put(string key, object value) => lines.Add((key, value switch
        {
            bool b => b ? On : Off,
            IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        }));
        Put("seed", r.Seed);
        Put("batch", r.Batch);
        Put("network.input", r.Network.InputSize);
        Put("network.classes", r.Network.Classes);
        Put("network.response.k", r.Network.Response.K);
        Put("network.response.alpha", r.Network.Response.Alpha);
        Put("network.response.window", r.Network.Response.Window);
        Put("network.layers", $"[{string.Join(", ", r.Network.Layers.Select(l => l.Name))}]");
        foreach (var spec in r.Network.Layers.Select(l => l.Spec))
        {
            Put($"network.{spec.Name}.kernels", spec.Kernels);
            Put($"network.{spec.Name}.size", spec.Size);
            Put($"network.{spec.Name}.stride", spec.Stride);
            Put($"network.{spec.Name}.pad", spec.Pad);
            Put($"network.{spec.Name}.sees-both", spec.SeesBoth);
            Put($"network.{spec.Name}.deviation", spec.Deviation);
            Put($"network.{spec.Name}.bias", spec.Bias);
            Put($"network.{spec.Name}.normalize", spec.Normalize);
            Put($"network.{spec.Name}.pool", spec.Pool);
            Put($"network.{spec.Name}.dropout", spec.Dropout);
        }
        Put("exchange.element", r.Network.Exchanged.ToString().ToLowerInvariant());
        Put("descent.momentum", r.Momentum);
        Put("descent.weight-decay", r.WeightDecay);
        Put("schedule.rate", r.Schedule.InitialRate);
        Put("schedule.factor", r.Schedule.Factor);
        Put("schedule.reductions", r.Schedule.Reductions);
        Put("schedule.patience", r.Schedule.Patience);
        Put("schedule.improvement", r.Schedule.Improvement);
        Put("schedule.epochs", r.EpochsMax);
        Put("augmentation.random-crop", r.Augmentation.RandomCrop);
        Put("augmentation.mirror", r.Augmentation.Mirror);
        Put("augmentation.colour-sigma", r.Augmentation.ColourSigma);
        Put("checkpoint-steps", r.CheckpointSteps);
        return lines;
    }

    /// <summary>A recipe file.</summary>
    public static string Of(Recipe recipe) =>
        $"# Recipe {recipe.Name}, resolved: every key, {Digest(recipe)}\n" + string.Concat(Lines(recipe).Select(l => l.Key + Is + l.Value + "\n"));

    /// <summary>Everything that determines the numbers of a step, a line each.</summary>
    public static string Determining(Recipe recipe) => string.Concat(Lines(recipe).Where(l => !Extent.Contains(l.Key)).Select(l => l.Key + Is + l.Value + "\n"));

    /// <summary>The same but for what follows from the number of classes: for a node that has no data set to count them in.</summary>
    public static string DeterminingButClasses(Recipe recipe) =>
        string.Concat(Determining(recipe).Split('\n').Where(l => l != "" && !l.StartsWith("network.classes ", StringComparison.Ordinal) && !l.StartsWith($"network.{recipe.Network.Layers[^1].Name}.kernels ", StringComparison.Ordinal)).Select(l => l + "\n"));

    /// <summary>SHA-256 over everything that determines the numbers of a step, in lower-case hexadecimal.</summary>
    public static string Digest(Recipe recipe) => Hash(Determining(recipe));

    /// <summary>The same of what <see cref="Of"/> has written; another text has another digest.</summary>
    public static string Digest(string text) =>
        Hash(string.Concat(text.Split('\n').Where(l => l != "" && !l.StartsWith('#') && !Extent.Contains(l.Split(Is)[0])).Select(l => l + "\n")));

    static string Hash(string determining) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(determining)));

    /// <summary>The layer table, without a reader of HOCON: a line is a key and its value.</summary>
    /// <param name="text">What <see cref="Of"/> has written, as its digest says.</param>
    public static Network ReadNetwork(string text)
    {
        var values = text.Split('\n').Select(l => l.Split(Is, 2)).Where(l => l.Length == 2).ToDictionary(l => l[0], l => l[1]);
        T Number<T>(string key) where T : INumber<T> => T.Parse(values[key], NumberStyles.Float, CultureInfo.InvariantCulture);
        bool Switch(string key) => values[key] == On;
        LayerSpec Layer(string name, string path) => new(
            name, Number<int>($"{path}.kernels"), Number<int>($"{path}.size"), Number<int>($"{path}.stride"), Number<int>($"{path}.pad"), Switch($"{path}.sees-both"),
            Number<float>($"{path}.deviation"), Number<float>($"{path}.bias"), Switch($"{path}.normalize"), Switch($"{path}.pool"), Number<double>($"{path}.dropout"));
        var response = new LocalResponse(Number<float>("network.response.k"), Number<float>("network.response.alpha"), Number<int>("network.response.window"));
        var layers = values["network.layers"].Trim('[', ']').Split(", ").Select(name => Layer(name, $"network.{name}"));
        return new Network(Number<int>("network.input"), Number<int>("network.classes"), [.. layers], response) { Exchanged = Enum.Parse<ExchangeElement>(values["exchange.element"], ignoreCase: true) };
    }

    /// <summary>In words, where two recipes give different numbers: "schedule.rate (0.01, was 0.02)"; empty when they are the same.</summary>
    public static IReadOnlyList<string> Differences(Recipe now, Recipe was)
    {
        var before = Lines(was).ToDictionary();
        var after = Lines(now).ToDictionary();
        return [.. after.Keys.Union(before.Keys).Except(Extent)
            .Select(k => (Key: k, Now: after.GetValueOrDefault(k, "not there"), Was: before.GetValueOrDefault(k, "not there")))
            .Where(d => d.Now != d.Was)
            .Select(d => $"{d.Key} ({d.Now}, was {d.Was})")];
    }
}
