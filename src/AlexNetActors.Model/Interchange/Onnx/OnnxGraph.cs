namespace AlexNetActors.Model.Onnx;

/// <summary>The messages of an ONNX file, by the field numbers of onnx.proto: as many as a network of this make needs.</summary>
sealed class OnnxGraph
{
    public const string Batch = "batch"; // the symbolic dimension
    const int IrVersion = 8, OperatorSet = 17;
    const int Float = 1, Int64 = 7;                                    // TensorProto.DataType
    const int FloatAttribute = 1, IntAttribute = 2, IntsAttribute = 7; // AttributeProto.AttributeType

    readonly ProtobufMessage _graph;

    public OnnxGraph(string name) => _graph = new ProtobufMessage().Add(2, name);

    /// <summary>A node; returns the name of its output, which is the node's too.</summary>
    public string Node(string operation, string output, string[] inputs, params (string Name, object Value)[] attributes)
    {
        var node = new ProtobufMessage();
        foreach (string input in inputs) node.Add(1, input);
        node.Add(2, output).Add(3, output).Add(4, operation);
        foreach (var (attribute, value) in attributes) node.Add(5, Attribute(attribute, value));
        _graph.Add(1, node);
        return output;
    }

    static ProtobufMessage Attribute(string name, object value)
    {
        var attribute = new ProtobufMessage().Add(1, name);
        switch (value)
        {
            case float f:
                return attribute.Add(2, f).Add(20, FloatAttribute);
            case int i:
                return attribute.Add(3, i).Add(20, IntAttribute);
            default:
                foreach (int i in (int[])value) attribute.Add(8, i);
                return attribute.Add(20, IntsAttribute);
        }
    }

    /// <summary>A constant of the network; returns its name.</summary>
    public string Constant(string name, IEnumerable<int> shape, float[] values)
    {
        _graph.Add(5, Tensor(name, shape, Float).AddRaw(9, values));
        return name;
    }

    /// <summary>A shape that a node wants as an input; returns its name.</summary>
    public string Constant(string name, params long[] values)
    {
        _graph.Add(5, Tensor(name, [values.Length], Int64).AddRaw(9, values));
        return name;
    }

    static ProtobufMessage Tensor(string name, IEnumerable<int> shape, int type)
    {
        var tensor = new ProtobufMessage();
        foreach (int n in shape) tensor.Add(1, n);
        return tensor.Add(2, type).Add(8, name);
    }

    public void Input(string name, string description, params int[] shape) => _graph.Add(11, Value(name, description, shape));

    public void Output(string name, string description, params int[] shape) => _graph.Add(12, Value(name, description, shape));

    /// <summary>Float32 [batch, shape...].</summary>
    static ProtobufMessage Value(string name, string description, int[] shape)
    {
        var dimensions = new ProtobufMessage().Add(1, new ProtobufMessage().Add(2, Batch));
        foreach (int n in shape) dimensions.Add(1, new ProtobufMessage().Add(1, n));
        var type = new ProtobufMessage().Add(1, new ProtobufMessage().Add(1, Float).Add(2, dimensions));
        return new ProtobufMessage().Add(1, name).Add(2, type).Add(3, description);
    }

    /// <summary>The file.</summary>
    public ProtobufMessage Model(string version, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        var model = new ProtobufMessage().Add(1, IrVersion).Add(2, "alexnet").Add(3, version).Add(7, _graph).Add(8, new ProtobufMessage().Add(1, "").Add(2, OperatorSet));
        foreach (var (key, value) in metadata) model.Add(14, new ProtobufMessage().Add(1, key).Add(2, value));
        return model;
    }
}
