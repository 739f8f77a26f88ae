namespace AlexNetActors.Compute;

/// <summary>In which order values of an activation's channels lie outside a device.</summary>
public enum ChannelOrder
{
    /// <summary>[B, channels, H, W]: what everybody understands.</summary>
    Canonical,

    /// <summary>
    /// As this kind of device keeps them, as many floats: only a device of the same kind can take them, and hardly a value changes places. A device may
    /// have no order of its own, for some sizes or ever; then it is the canonical one.
    /// </summary>
    Own,
}
