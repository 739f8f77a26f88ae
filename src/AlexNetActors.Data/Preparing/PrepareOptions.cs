namespace AlexNetActors.Data;

/// <summary>How a data set is prepared.</summary>
/// <param name="RecordSize">Side of a record in pixels (paper section 2: 256).</param>
/// <param name="Threads">Decoding threads; the result does not depend on them.</param>
/// <param name="ValidationShare">Where the source has no validation folder: the share of each class that is set aside, at least one picture.</param>
/// <param name="SplitSeed">Seed of that choice.</param>
public sealed record PrepareOptions(int RecordSize = 256, int Threads = 2, double ValidationShare = 0.1, ulong SplitSeed = 2012)
{
    /// <summary>Pictures between two points from which an interrupted preparation goes on.</summary>
    internal int PicturesPerSync { get; init; } = 256;
}

/// <summary>How far a preparation is.</summary>
/// <param name="Done">Files read, good or skipped.</param>
/// <param name="Total">Files there are.</param>
/// <param name="Skipped">Files skipped so far.</param>
public readonly record struct PrepareProgress(int Done, int Total, int Skipped);

/// <summary>What a preparation made; kept beside the packs as <c>prepare-report.json</c>.</summary>
/// <param name="Source">Where the pictures came from, in words.</param>
/// <param name="RecordSize">Side of a record in pixels.</param>
/// <param name="Training">Training records.</param>
/// <param name="Validation">Validation records.</param>
/// <param name="Classes">Records of each class, in the order of labels.</param>
/// <param name="Skipped">Files that could not be used, in order, each with its reason.</param>
/// <param name="Digest">Identity of the data set.</param>
/// <param name="Fingerprint">Of the source's files and the options, by which a later run knows the same work.</param>
/// <param name="AlreadyDone">The target was finished before and nothing was written.</param>
public sealed record PrepareReport(
    string Source, int RecordSize, int Training, int Validation, IReadOnlyList<ClassCount> Classes, IReadOnlyList<SkippedFile> Skipped,
    string Digest, string Fingerprint, bool AlreadyDone);

/// <summary>Records of one class.</summary>
public sealed record ClassCount(string Name, int Training, int Validation);

/// <summary>A file that became no record.</summary>
/// <param name="File">Its path within the source.</param>
/// <param name="Reason">Why, in words.</param>
public sealed record SkippedFile(string File, string Reason);
