namespace AlexNetActors.Compute;

/// <summary>
/// What a device requires of an operation's arguments, written once for processor and GPU. Each refusal is an <see cref="ArgumentException"/> that names the
/// operation, what was wanted and what was got.
/// </summary>
static class Require
{
    public static void Allocation(Shape shape)
    {
        var (B, C, H, W) = shape;
        if (Math.Min(Math.Min(B, C), Math.Min(H, W)) < 1) throw new ArgumentException($"a tensor needs at least one element, got shape {shape}");
    }

    public static void LoadCrops(int pixels, ReadOnlySpan<Placement> placements, int colourShifts, Shape mean, Shape output)
    {
        const string Operation = "LoadCrops";
        var (B, _, H, W) = output;
        Same(Operation, "output", output, output with { Channels = 3 });
        Same(Operation, "mean", mean, mean with { Images = 1, Width = 3 });
        Length(Operation, "pixels", pixels, output.Count);
        Length(Operation, "placements", placements.Length, B);
        Length(Operation, "colour shifts", colourShifts, 3L * B);
        foreach (var p in placements)
            if (p.Top < 0 || p.Left < 0 || p.Top > mean.Channels - H || p.Left > mean.Height - W) // not Top + H, which a Top near 2^31 makes negative
                throw new ArgumentException($"{Operation}: a crop of {H} x {W} at ({p.Top}, {p.Left}) does not lie in a mean image of {mean.Channels} x {mean.Height}");
    }

    public static void Convolve(Shape input, Shape weights, Shape bias, Filter filter, Shape output)
    {
        const string Operation = "Convolve";
        Weights(Operation, weights, bias, filter);
        Same(Operation, "input", input, filter.InputShape(input.Images));
        Same(Operation, "output", output, filter.OutputShape(input.Images));
    }

    public static void ConvolveBackwardInput(Shape dOutput, Shape weights, Filter filter, Shape dInput)
    {
        const string Operation = "ConvolveBackwardInput";
        Same(Operation, "weights", weights, filter.WeightsShape);
        Same(Operation, "dOutput", dOutput, filter.OutputShape(dOutput.Images));
        Same(Operation, "dInput", dInput, filter.InputShape(dOutput.Images));
        if (filter.Stride != 1 && !filter.CoversInput)
            throw new ArgumentException($"{Operation} expects stride 1 or a filter that covers its input, got stride {filter.Stride} of weights {filter.WeightsShape} over input {dInput}");
    }

    public static void ConvolveBackwardWeights(Shape input, Shape dOutput, Filter filter, Shape dWeights, Shape dBias)
    {
        const string Operation = "ConvolveBackwardWeights";
        Weights(Operation, dWeights, dBias, filter);
        Same(Operation, "input", input, filter.InputShape(input.Images));
        Same(Operation, "dOutput", dOutput, filter.OutputShape(input.Images));
    }

    public static void Normalize(string operation, Shape input, LocalResponse response, Shape output)
    {
        Same(operation, "output", output, input);
        Window(operation, response);
    }

    public static void NormalizeBackward(string operation, Shape input, Shape dOutput, LocalResponse response, Shape dInput)
    {
        Same(operation, "dOutput", dOutput, input);
        Same(operation, "dInput", dInput, input);
        Window(operation, response);
    }

    public static void MaxPool(string operation, Shape input, int size, int stride, Shape output)
    {
        if (size < 1 || stride < 1 || size > Math.Min(input.Height, input.Width))
            throw new ArgumentException($"{operation}: windows of {size} every {stride} do not fit on input {input}");
        Same(operation, "output", output, input with { Height = (input.Height - size) / stride + 1, Width = (input.Width - size) / stride + 1 });
    }

    public static void MaxPoolBackward(string operation, Shape input, Shape output, Shape dOutput, int size, int stride, Shape dInput)
    {
        MaxPool(operation, input, size, stride, output);
        Same(operation, "dOutput", dOutput, output);
        Same(operation, "dInput", dInput, input);
    }

    public static void Dropout(double rate, Shape activation)
    {
        Same("Dropout", "activation", activation, activation with { Height = 1, Width = 1 });
        if (!(rate >= 0 && rate <= 1)) throw new ArgumentException($"Dropout expects a rate from 0 to 1, got {rate}");
    }

    public static void CopyChannels(string operation, Shape source, int sourceChannel, int channels, Shape destination, int destinationChannel)
    {
        Same(operation, "destination", destination, source with { Channels = destination.Channels });
        Channels(operation, sourceChannel, channels, source);
        Channels(operation, destinationChannel, channels, destination);
    }

    public static void Descend(Shape gradient, Shape velocity, Shape weights)
    {
        Same("Descend", "gradient", gradient, weights);
        Same("Descend", "velocity", velocity, weights);
    }

    public static void Same(string operation, string what, Shape got, Shape wanted)
    {
        if (got != wanted) throw new ArgumentException($"{operation} expects {what} {wanted}, got {got}");
    }

    public static void Length(string operation, string what, long got, long wanted)
    {
        if (got != wanted) throw new ArgumentException($"{operation} expects {wanted} {what}, got {got}");
    }

    public static void Channels(string operation, int first, int channels, Shape shape)
    {
        if (first < 0 || channels < 0 || first > shape.Channels - channels) // not first + channels, as above
            throw new ArgumentException($"{operation} expects channels inside {shape}, got {channels} from {first} on");
    }

    static void Weights(string operation, Shape weights, Shape bias, Filter filter)
    {
        Same(operation, "weights", weights, filter.WeightsShape);
        Same(operation, "bias", bias, new Shape(1, filter.Kernels, 1, 1));
    }

    static void Window(string operation, LocalResponse response)
    {
        if (response.Window < 1 || response.Window % 2 == 0) throw new ArgumentException($"{operation} expects an odd window, got {response.Window}");
    }
}
