using System.Security.Cryptography;
using AlexNetActors.Compute;

namespace AlexNetActors.Model.Onnx;

/// <summary>
/// A whole network as an ONNX file. "pictures", float32 [batch, 3, S, S], are RGB values 0..255 of centre crops; the mean image is subtracted
/// in the graph. "logits" and "probabilities" are float32 [batch, classes].
/// </summary>
public static class OnnxFile
{
    const long BytesMax = int.MaxValue; // of any protocol buffers message

    /// <summary>Writes a file and returns its SHA-256.</summary>
    /// <param name="path">The file.</param>
    /// <param name="network">What the values are of.</param>
    /// <param name="values">Parameters and mean.</param>
    /// <param name="version">Of the program.</param>
    /// <param name="metadata">What else the file says of itself.</param>
    /// <exception cref="RecipeException">The network is larger than such a file can be.</exception>
    public static string Write(string path, WholeNetwork network, IReadOnlyList<NamedValues> values, string version, IReadOnlyDictionary<string, string> metadata)
    {
        var model = GraphOf(network, values).Model(version, metadata);
        if (model.Length > BytesMax) throw new RecipeException($"the network takes {model.Length} bytes, an ONNX file holds {BytesMax} at most: export it as .safetensors");
        using var file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        model.WriteTo(file);
        file.Position = 0;
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    static OnnxGraph GraphOf(WholeNetwork network, IReadOnlyList<NamedValues> values)
    {
        int S = network.Network.InputSize, classes = network.Network.Classes;
        var graph = new OnnxGraph("AlexNet");
        graph.Input("pictures", "centre crops, RGB, 0..255", 3, S, S);
        foreach (var v in values) graph.Constant(v.Name, v.Name == WholeNetwork.MeanName ? v.Shape.Prepend(1) : v.Shape, v.Data);
        string x = graph.Node("Sub", "centred", ["pictures", WholeNetwork.MeanName]);
        bool flat = false;
        foreach (var module in network.Modules)
        {
            if (module.Kind == ModuleKind.Linear && !flat)
            {
                x = graph.Node("Flatten", "flatten", [x], ("axis", 1));
                flat = true;
            }
            x = Append(graph, module, x, network.Network.Response);
        }
        graph.Node(flat ? "Identity" : "Flatten", "logits", [x]);
        graph.Node("Softmax", "probabilities", ["logits"], ("axis", 1));
        graph.Output("logits", "before the softmax", classes);
        graph.Output("probabilities", "of the classes; they add up to 1", classes);
        return graph;
    }

    /// <returns>The name of what comes out.</returns>
    static string Append(OnnxGraph graph, Module m, string x, LocalResponse response)
    {
        var spec = m.Layer.Spec;
        switch (m.Kind)
        {
            case ModuleKind.Convolution:
                return graph.Node("Conv", m.Name, [x, m.WeightName, m.BiasName], ("kernel_shape", new[] { spec.Size, spec.Size }), ("strides", new[] { spec.Stride, spec.Stride }),
                    ("pads", new[] { spec.Pad, spec.Pad, spec.Pad, spec.Pad }), ("group", m.Groups));
            case ModuleKind.Linear:
                return graph.Node("Gemm", m.Name, [x, m.WeightName, m.BiasName], ("transB", 1));
            case ModuleKind.Rectifier:
                return graph.Node("Relu", m.Name, [x]);
            case ModuleKind.MaxPool:
                return graph.Node("MaxPool", m.Name, [x], ("kernel_shape", new[] { Network.PoolSize, Network.PoolSize }), ("strides", new[] { Network.PoolStride, Network.PoolStride }));
            case ModuleKind.Dropout: // paper section 4.2: at test time the outputs are scaled
                return graph.Node("Mul", m.Name, [x, graph.Constant($"{m.Name}.kept", [], [(float)(1 - spec.Dropout)])]);
            default: // a window never reaches into the other tower's maps: the towers become twice as many pictures for it
                var f = m.Layer.Filter;
                string towers = graph.Node("Reshape", $"{m.Name}.towers", [x, graph.Constant($"{m.Name}.towers.shape", -1, f.Kernels, f.OutputHeight, f.OutputWidth)]);
                string normal = graph.Node("LRN", $"{m.Name}.norm", [towers], ("size", response.Window), ("alpha", response.Alpha * response.Window), ("beta", LocalResponse.Beta), ("bias", response.K));
                return graph.Node("Reshape", m.Name, [normal, graph.Constant($"{m.Name}.shape", -1, 2 * f.Kernels, f.OutputHeight, f.OutputWidth)]);
        }
    }
}
