using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>
/// What a tower gives to the other in an exchange: some channels of a tensor, where they lie. A device that can reach that memory copies
/// from it; for anybody else it is read once, on the giver's thread. One that came from another process holds values only.
/// </summary>
public sealed class Portion
{
    readonly IDevice? _device;
    readonly Tensor? _tensor;
    readonly int _firstChannel, _channels;
    readonly bool _rounded;
    readonly ReadOnlyMemory<float> _values;
    readonly ChannelOrder _order = ChannelOrder.Own; // of the values; the taker's device is the giver's, or of its kind, unless they say otherwise
    readonly Memory<byte> _place;
    float[]? _read;

    /// <summary>What has been written to where the taker said that it goes (<see cref="Tower.PlaceOfSum"/>).</summary>
    public static readonly Portion InPlace = new(default, ChannelOrder.Own);

    /// <summary>Channels [firstChannel, firstChannel + channels) of a tensor [B, C, H, W]; as bfloat16, they are given rounded to it.</summary>
    public Portion(IDevice device, Tensor tensor, int firstChannel, int channels, ExchangeElement element)
    {
        (_device, _tensor, _firstChannel, _channels, _rounded) = (device, tensor, firstChannel, channels, element == ExchangeElement.BF16);
        if (channels == tensor.Shape.Channels && !_rounded) _place = device.WhereItLies(tensor);
    }

    /// <summary>Values [B, channels, H, W] from elsewhere.</summary>
    public Portion(ReadOnlyMemory<float> values, ChannelOrder order) => (_values, _order) = (values, order);

    /// <summary>Whether another device may copy it from where it lies.</summary>
    public bool LiesReady => _tensor is not null && !_rounded;

    /// <summary>Values [B, channels, H, W], on the giver's thread; the same memory each time.</summary>
    /// <param name="order">Wanted; what came from elsewhere has but one.</param>
    public ReadOnlyMemory<float> Values(ChannelOrder order)
    {
        if (_tensor is null) return order == _order ? _values : throw new InvalidOperationException($"these values have the order {_order}");
        var shape = _tensor.Shape with { Channels = _channels };
        _read ??= new float[shape.Count];
        _device!.ReadChannels(_tensor, _firstChannel, _channels, _read, order);
        if (_rounded) BrainFloat.Round(_read);
        return _read;
    }

    /// <summary>Where its values lie, in that order, without being read; else empty.</summary>
    public ReadOnlyMemory<byte> WhereItLies(ChannelOrder order) => order == ChannelOrder.Own ? _place : default;

    /// <summary>Waits until what is given has been computed: before another thread is told of it.</summary>
    public void Settle() => _device?.Synchronize();

    /// <summary>Into channels [firstChannel, ...) of a tensor of <paramref name="device"/>, on the taker's thread, which is the giver's where it does not lie ready.</summary>
    public void CopyTo(IDevice device, Tensor destination, int firstChannel, int channels)
    {
        if (this == InPlace) return;
        if (!LiesReady) device.WriteChannels(Values(_order).Span, firstChannel, channels, destination, _order);
        else device.CopyChannels(_tensor!, _firstChannel, channels, destination, firstChannel);
    }
}
