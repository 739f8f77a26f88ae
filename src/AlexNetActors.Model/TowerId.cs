namespace AlexNetActors.Model;

/// <summary>One half of the network (paper section 3.5: the two GPUs). Tower A holds the first half of every layer's kernels, B the second.</summary>
public enum TowerId : byte { A, B }

public static class TowerIds
{
    public static readonly IReadOnlyList<TowerId> Both = [TowerId.A, TowerId.B];

    public static TowerId Other(this TowerId tower) => tower == TowerId.A ? TowerId.B : TowerId.A;

    /// <summary>First of this tower's channels in an activation of both towers that has <paramref name="half"/> channels a tower.</summary>
    public static int Offset(this TowerId tower, int half) => (int)tower * half;
}
