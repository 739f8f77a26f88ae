using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>
/// What a tower gives to the other in an exchange: some channels of a tensor, where they lie. A device that can reach that memory copies
/// from it; for anybody else it is read once, into canonical order, on the giver's thread. One that came from another process holds
/// canonical values only.
/// </summary>
public sealed class Portion
{
    readonly IDevice? _device;
    readonly Tensor? _tensor;
    readonly int _firstChannel, _channels;
    readonly bool _rounded;
    ReadOnlyMemory<float> _canonical;
    float[]? _read;

    /// <summary>Channels [firstChannel, firstChannel + channels) of a tensor [B, C, H, W]; as bfloat16, they are given rounded to it.</summary>
    public Portion(IDevice device, Tensor tensor, int firstChannel, int channels, ExchangeElement element) =>
        (_device, _tensor, _firstChannel, _channels, _rounded) = (device, tensor, firstChannel, channels, element == ExchangeElement.BF16);

    /// <summary>Whether another device may copy it from where it lies.</summary>
    public bool LiesReady => _tensor is not null && !_rounded;

    /// <summary>Canonical [B, channels, H, W] from elsewhere.</summary>
    public Portion(ReadOnlyMemory<float> canonical) => _canonical = canonical;

    /// <summary>Canonical [B, channels, H, W], on the giver's thread; the same memory each time.</summary>
    public ReadOnlyMemory<float> ToCanonical()
    {
        if (_tensor is null) return _canonical;
        var shape = _tensor.Shape with { Channels = _channels };
        _read ??= new float[shape.Count];
        _device!.ReadChannels(_tensor, _firstChannel, _channels, _read);
        if (_rounded) BrainFloat.Round(_read);
        return _read;
    }

    /// <summary>Waits until what is given has been computed: before another thread is told of it.</summary>
    public void Settle() => _device?.Synchronize();

    /// <summary>Into channels [firstChannel, ...) of a tensor of <paramref name="device"/>, on the taker's thread, which is the giver's where it does not lie ready.</summary>
    public void CopyTo(IDevice device, Tensor destination, int firstChannel, int channels)
    {
        if (!LiesReady) device.WriteChannels(ToCanonical().Span, firstChannel, channels, destination);
        else device.CopyChannels(_tensor!, _firstChannel, channels, destination, firstChannel);
    }
}
