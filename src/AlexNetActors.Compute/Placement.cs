namespace AlexNetActors.Compute;

/// <summary>Where a crop was cut from its record: top-left pixel, and whether it was mirrored left to right (paper section 4.1).</summary>
public readonly record struct Placement(int Top, int Left, bool Mirrored);
