namespace AlexNetActors.App;

/// <summary>What a run folder says of its run, in run.json: its identity, and what was asked for.</summary>
/// <param name="Format">Version of the folder's layout.</param>
/// <param name="Recipe">Name of the recipe; recipe.conf beside it has the values.</param>
/// <param name="RecipeDigest"><see cref="RecipeText.Digest"/>.</param>
/// <param name="Data">The data set's folder.</param>
/// <param name="DataDigest">Its identity.</param>
/// <param name="RecordSize">Side of its records in pixels.</param>
/// <param name="Classes">Class names in the order of labels.</param>
/// <param name="Devices">Devices of the towers, as the command line names them.</param>
/// <param name="DeviceKind">Devices of one kind give the same bits.</param>
/// <param name="StepsMax">Last step of the run.</param>
/// <param name="Records">Training records of an epoch.</param>
/// <param name="MeanSha256">Of mean.f32.</param>
sealed record RunManifest(
    int Format, string Recipe, string RecipeDigest, string Data, string DataDigest, int RecordSize, string[] Classes, string[] Devices, string DeviceKind, long StepsMax, int Records, string MeanSha256)
{
    public const int CurrentFormat = 2;

    /// <summary>Of everything else here; filled in when it is written.</summary>
    public string Sha256 { get; init; } = "";
}
