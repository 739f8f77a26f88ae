using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>The ten crops whose predictions are averaged at test time (paper section 4.1): centre and four corners, then the same mirrored.</summary>
public static class View
{
    /// <summary>Number of views.</summary>
    public const int Count = 10;

    /// <summary>
    /// Where a view is cut: 0 centre, 1 top left, 2 top right, 3 bottom left, 4 bottom right, 5 to 9 the same mirrored. View 0 is the one
    /// that single-view validation uses. Where the margin is odd, the centre lies half a pixel up and left.
    /// </summary>
    public static Placement Place(int view, int recordSize, int cropSize)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)view, (uint)Count, nameof(view));
        int margin = recordSize - cropSize, centre = margin / 2;
        var (top, left) = (view % 5) switch
        {
            0 => (centre, centre),
            1 => (0, 0),
            2 => (0, margin),
            3 => (margin, 0),
            _ => (margin, margin),
        };
        return new Placement(top, left, view >= 5);
    }
}
