namespace AlexNetActors.App;

/// <summary>Time of one pass of one layer ("conv2", "backward input") on each of the devices side by side, repetition by repetition.</summary>
/// <param name="layer">Its layer.</param>
/// <param name="name">What it does.</param>
/// <param name="devices">Devices measured.</param>
/// <param name="repetitions">Repetitions of each.</param>
sealed class PassProfile(string layer, string name, int devices, int repetitions)
{
    readonly double[][] _seconds = Table(devices, repetitions), _peaks = Table(devices, repetitions);

    public string Layer => layer;
    public string Name => name;

    /// <summary>Multiplications and additions of the direct algorithm; those with padding, which nobody does, are not counted.</summary>
    public double Flop { get; private set; }

    /// <summary>Bytes that must move at least: inputs, weights and outputs, once each.</summary>
    public double Bytes { get; private set; }

    /// <summary>Adds what the next operation of this pass needs; a pass may take several.</summary>
    public void AddWork(double flop, double bytes)
    {
        Flop += flop;
        Bytes += bytes;
    }

    /// <param name="device">Which of the devices.</param>
    /// <param name="repetition">Which repetition.</param>
    /// <param name="seconds">What the operation took.</param>
    /// <param name="peak">Floating point operations a second at most, at that moment; NaN where unknown.</param>
    public void AddTime(int device, int repetition, double seconds, double peak)
    {
        _seconds[device][repetition] += seconds;
        _peaks[device][repetition] = peak;
    }

    /// <summary>Median of the repetitions.</summary>
    public double Seconds(int device) => Median.Of(_seconds[device]);

    /// <summary>Floating point operations a second; null where there are none.</summary>
    public double? Rate(int device) => Flop == 0 ? null : Flop / Seconds(device);

    /// <summary>Every peak that was measured around it.</summary>
    public IEnumerable<double> Peaks => _peaks.SelectMany(p => p).Where(p => !double.IsNaN(p));

    /// <summary>Share of the peak that was measured around each repetition, the median of them; null where there is none.</summary>
    public double? ShareOfPeak(int device) =>
        Flop == 0 || double.IsNaN(_peaks[device][0]) ? null : Median.Of(_seconds[device].Zip(_peaks[device], (seconds, peak) => Flop / seconds / peak));

    /// <summary>How many times faster the second device is than the first; the median of the pairs of repetitions.</summary>
    public double Gain => Median.Of(_seconds[0].Zip(_seconds[1], (first, second) => first / second));

    static double[][] Table(int rows, int columns) => [.. Enumerable.Range(0, rows).Select(_ => new double[columns])];
}
