using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>
/// A whole network as a PyTorch state dict in safetensors: its parameters and the mean image, and in the metadata "modules", from which the
/// module can be built: a list of [name, class, arguments]. Two of the classes are not PyTorch's own, TowerResponseNorm and PaperDropout.
/// </summary>
public static class StateDict
{
    /// <summary>Writes a file, flushes it to the disk and returns its SHA-256.</summary>
    /// <param name="path">The file.</param>
    /// <param name="network">What the values are of.</param>
    /// <param name="values">Parameters and mean.</param>
    /// <param name="metadata">What else the file says of itself.</param>
    public static string Write(string path, WholeNetwork network, IReadOnlyList<NamedValues> values, IReadOnlyDictionary<string, string> metadata) =>
        SafeTensors.Write(path, values, new Dictionary<string, string>(metadata) { ["format"] = "pt", ["modules"] = ModulesOf(network).ToJsonString() });

    static JsonArray ModulesOf(WholeNetwork network) => [.. network.Modules.Select(m =>
    {
        var (name, arguments) = Call(m, network.Network.Response);
        return new JsonArray(m.Name, name, arguments);
    })];

    static (string Class, JsonObject Arguments) Call(Module m, LocalResponse response) => m.Kind switch
    {
        ModuleKind.Convolution => ("Conv2d", new JsonObject
        {
            ["in_channels"] = m.Inputs,
            ["out_channels"] = m.Kernels,
            ["kernel_size"] = m.Layer.Spec.Size,
            ["stride"] = m.Layer.Spec.Stride,
            ["padding"] = m.Layer.Spec.Pad,
            ["groups"] = m.Groups,
        }),
        ModuleKind.Linear => ("Linear", new JsonObject { ["in_features"] = m.Inputs, ["out_features"] = m.Kernels }),
        ModuleKind.Rectifier => ("ReLU", []),
        ModuleKind.ResponseNorm => ("TowerResponseNorm", new JsonObject { ["size"] = response.Window, ["alpha"] = AlphaOfMean(response), ["beta"] = (double)LocalResponse.Beta, ["k"] = Decimal(response.K) }),
        ModuleKind.MaxPool => ("MaxPool2d", new JsonObject { ["kernel_size"] = Network.PoolSize, ["stride"] = Network.PoolStride }),
        _ => ("PaperDropout", new JsonObject { ["p"] = m.Layer.Spec.Dropout }),
    };

    /// <summary>Theirs multiplies the mean of the window, ours its sum.</summary>
    static double AlphaOfMean(LocalResponse response) => Math.Round(Decimal(response.Alpha) * response.Window, 12);

    /// <summary>0.0001, not 0.0000999999974737875.</summary>
    static double Decimal(float value) => double.Parse(value.ToString(System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
}
