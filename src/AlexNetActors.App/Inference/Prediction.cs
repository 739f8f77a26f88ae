namespace AlexNetActors.App;

/// <summary>What a network sees in an image file.</summary>
/// <param name="File">As the command line names it.</param>
/// <param name="Skipped">Why it could not be read; null when it was.</param>
/// <param name="Label">The class it is of, where its folder is named after one; else null.</param>
/// <param name="Right">Whether the label is the best guess, as `alexnet evaluate` counts it.</param>
/// <param name="Guesses">Best first.</param>
/// <param name="Record">What was cut out of it, uint8 RGB [size, size, 3].</param>
sealed record Prediction(string File, string? Skipped, string? Label, bool Right, IReadOnlyList<(string Class, double Probability)> Guesses, byte[] Record)
{
    /// <summary>Data sets are folders named after their classes.</summary>
    public static string? LabelOf(string file, string[] classes) => Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file))) is { } folder && classes.Contains(folder) ? folder : null;
}
