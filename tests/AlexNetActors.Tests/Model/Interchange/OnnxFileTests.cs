using AlexNetActors.Model;
using AlexNetActors.Model.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AlexNetActors.Tests.Model;

/// <summary>ONNX Runtime computes from our file what our towers compute.</summary>
public sealed class OnnxFileTests : IDisposable
{
    const double Tolerance = 1e-4; // fast convolution is off by 5e-6 a layer, see results/convolution-errors.md

    readonly Data.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("quickstart", 100, 32, 40, 3)]
    [InlineData("paper", 2, 2, 256, 0)]
    public void Onnx_runtime_gives_the_towers_outputs(string recipe, int pictures, int batch, int recordSize, int steps)
    {
        var shown = ShownPictures.Of(recipe, pictures, batch, recordSize, steps);
        string file = _folder["network.onnx"];
        OnnxFile.Write(file, shown.Network, shown.Values, "1", new Dictionary<string, string> { ["classes"] = "[]" });
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        using var session = new InferenceSession(file, options);
        Assert.Equal([-1, 3, shown.Side, shown.Side], session.InputMetadata["pictures"].Dimensions);
        Assert.Equal("batch", session.InputMetadata["pictures"].SymbolicDimensions[0]);
        Assert.Equal("[]", session.ModelMetadata.CustomMetadataMap["classes"]);

        var (logits, probabilities) = Run(session, shown.Pictures, shown.Count, shown.Side);
        double error = shown.ErrorOf(logits);
        TestContext.Current.SendDiagnosticMessage($"{recipe}, {pictures} pictures: ONNX Runtime is off by {error:E1}");
        Assert.True(error < Tolerance, $"ONNX Runtime is off by {error:E1}");
        int classes = shown.Network.Network.Classes;
        for (int n = 0; n < shown.Count; n++) Assert.Equal(1, probabilities.AsSpan(n * classes, classes).ToArray().Sum(p => (double)p), 1e-5);

        // The batch is whatever is asked for.
        var (one, _) = Run(session, shown.Pictures[..(3 * shown.Side * shown.Side)], 1, shown.Side);
        Assert.Equal(logits[..classes].Select(l => (double)l), one.Select(l => (double)l), (a, b) => Math.Abs(a - b) <= 1e-4 * Math.Max(1, Math.Abs(a)));
    }

    static (float[] Logits, float[] Probabilities) Run(InferenceSession session, float[] pictures, int count, int side)
    {
        using var outputs = session.Run([NamedOnnxValue.CreateFromTensor("pictures", new DenseTensor<float>(pictures, [count, 3, side, side]))]);
        float[] Of(string name) => [.. outputs.Single(o => o.Name == name).AsEnumerable<float>()];
        return (Of("logits"), Of("probabilities"));
    }

    [Fact]
    public void Read_by_field_numbers_the_file_has_the_papers_operations()
    {
        var shown = ShownPictures.Of("quickstart", 1, 1, 40, 0);
        string file = _folder["network.onnx"];
        OnnxFile.Write(file, shown.Network, shown.Values, "1", new Dictionary<string, string>());
        var model = ProtobufFields.Of(File.ReadAllBytes(file));
        Assert.Equal(8UL, model.Number(1));
        Assert.Equal(17UL, model.Message(8).Number(2));
        var graph = model.Message(7);
        var nodes = graph.Messages(1).ToArray();
        Assert.Equal(
        [
            "Sub",
            "Conv", "Relu", "Reshape", "LRN", "Reshape", "MaxPool",
            "Conv", "Relu", "Reshape", "LRN", "Reshape", "MaxPool",
            "Conv", "Relu", "Conv", "Relu", "Conv", "Relu", "MaxPool",
            "Flatten", "Gemm", "Relu", "Mul", "Gemm", "Relu", "Mul", "Gemm",
            "Identity", "Softmax",
        ], nodes.Select(n => n.Text(4)));
        ProtobufFields Attribute(ProtobufFields node, string name) => node.Messages(5).Single(a => a.Text(1) == name);
        Assert.Equal([1, 2, 1, 2, 2], nodes.Where(n => n.Text(4) == "Conv").Select(n => (int)Attribute(n, "group").Number(3)));
        var response = nodes.First(n => n.Text(4) == "LRN");
        Assert.Equal([5e-4f, 0.75f, 2f], new[] { "alpha", "beta", "bias" }.Select(a => Attribute(response, a).Single(2)), (a, b) => Math.Abs(a - b) < 1e-9f);
        Assert.Equal(5UL, Attribute(response, "size").Number(3));

        // Every input of a node is the picture, a constant, or what a node before it has made.
        var known = graph.Messages(5).Select(t => t.Text(8)).Append(graph.Message(11).Text(1)).ToHashSet();
        foreach (var node in nodes)
        {
            Assert.All(node.Texts(1), input => Assert.Contains(input, known));
            Assert.True(known.Add(node.Text(2)), $"{node.Text(2)} is made twice");
        }
        Assert.Equal("batch", graph.Message(11).Message(2).Message(1).Message(2).Messages(1).First().Text(2));
        Assert.Equal(["logits", "probabilities"], graph.Messages(12).Select(o => o.Text(1)));
        var weights = graph.Messages(5).Single(t => t.Text(8) == "features.4.weight");
        Assert.Equal([64, 16, 5, 5], weights.Numbers(1).Select(n => (int)n));
        Assert.Equal(4 * 64 * 16 * 5 * 5, weights.Bytes(9).Length);
    }
}
