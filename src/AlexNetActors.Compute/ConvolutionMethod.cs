namespace AlexNetActors.Compute;

/// <summary>How a device convolves.</summary>
public enum ConvolutionMethod
{
    /// <summary>Winograd's way where it needs clearly fewer multiplications, else direct.</summary>
    Fast,

    /// <summary>Tap by tap, everywhere.</summary>
    Direct,
}
