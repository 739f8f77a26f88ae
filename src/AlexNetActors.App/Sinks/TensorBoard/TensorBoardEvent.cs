using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>TensorBoard's messages by field numbers (tensorflow/core/util/event.proto, framework/summary.proto): few fields, and no generator of code for them.</summary>
static class TensorBoardEvent
{
    /// <summary>The first one of a file.</summary>
    public static ProtobufMessage Version(double time) => new ProtobufMessage().Add(1, time).Add(3, "brain.Event:2");

    /// <summary>The run goes on here: what other files have of this step and later ones counts no more.</summary>
    public static ProtobufMessage Start(double time, long step) => At(time, step).Add(7, new ProtobufMessage().Add(1, 1L));

    public static ProtobufMessage Scalars(double time, long step, params ReadOnlySpan<(string Tag, double Value)> values)
    {
        var summary = new ProtobufMessage();
        foreach (var (tag, value) in values) summary.Add(1, new ProtobufMessage().Add(1, tag).Add(2, (float)value));
        return At(time, step).Add(5, summary);
    }

    public static ProtobufMessage Image(double time, long step, string tag, KernelSheet sheet)
    {
        const long rgb = 3;
        var image = new ProtobufMessage().Add(1, (long)sheet.Height).Add(2, (long)sheet.Width).Add(3, rgb).AddRaw(4, sheet.Png);
        return At(time, step).Add(5, new ProtobufMessage().Add(1, new ProtobufMessage().Add(1, tag).Add(4, image)));
    }

    public static ProtobufMessage Histogram(double time, long step, string tag, Histogram h)
    {
        var histogram = new ProtobufMessage().Add(1, h.Least).Add(2, h.Most).Add(3, (double)h.Count).Add(4, h.Sum).Add(5, h.SumOfSquares).AddRaw(6, h.UpperEdges).AddRaw(7, h.Counts);
        return At(time, step).Add(5, new ProtobufMessage().Add(1, new ProtobufMessage().Add(1, tag).Add(5, histogram)));
    }

    static ProtobufMessage At(double time, long step) => new ProtobufMessage().Add(1, time).Add(2, step);
}
