using AlexNetActors.Model;

namespace AlexNetActors.Tests.Writer;

/// <summary>Writes checkpoints of made-up weights as the coordinator and the archive do.</summary>
sealed class Writer(string path, int floats)
{
    static readonly LearningRateSchedule Schedule = new(0.01f, 10, 3, 5, 0);

    readonly CheckpointFolder _folder = new(path);

    /// <summary>Steps of the newest whole checkpoint.</summary>
    public long? Newest => _folder.NewestWhole(_ => { })?.Manifest.Progress.Steps;

    /// <param name="steps">After so many steps.</param>
    /// <param name="limit">A file, "tower-A", "tower-B" or "manifest", and how far into it may be written.</param>
    public long Write(long steps, (string File, long Byte)? limit = null)
    {
        string partial = _folder.Begin(steps);
        var states = TowerIds.Both.Select(t => State(t, steps)).ToArray();
        string[] hashes = [.. states.Select(s => Limited($"tower-{s.Tower}", () => CheckpointFolder.WriteTower(partial, s)))];
        var progress = new RunProgress(steps, Schedule.Start, 0, steps, double.PositiveInfinity, 0);
        var manifest = new CheckpointManifest(CheckpointManifest.CurrentFormat, progress, "recipe", "data", "reference", hashes, WeightsDigest.Of(states[0], states[1]));
        Limited("manifest", () => _folder.Commit(manifest));
        return steps;

        T Limited<T>(string file, Func<T> write)
        {
            if (limit?.File != file) return write();
            FileSizeLimit.Set(limit.Value.Byte);
            try
            {
                return write();
            }
            finally
            {
                FileSizeLimit.Lift();
            }
        }
    }

    TowerState State(TowerId tower, long steps)
    {
        float[] Draw(int seed) => [.. new Random(seed).GetItems<float>([.. Enumerable.Range(1, 1000).Select(n => n / 7f)], floats)];
        return new TowerState(tower, [new NamedValues("fc.weight", [floats], Draw((int)(2 * steps) + (int)tower)), new NamedValues("fc.weight.velocity", [floats], Draw(-(int)(2 * steps) - (int)tower))]);
    }

    /// <returns>Bytes at which a checkpoint was refused, and the one before still whole.</returns>
    public int RefuseBytes(int every)
    {
        Write(1);
        string newest = _folder.List()[0].Folder;
        int refused = 0;
        foreach (string file in Directory.GetFiles(newest).Order())
            for (long at = 0; at < new FileInfo(file).Length; at += every, refused++)
                RequireRefused(2, (Path.GetFileName(file).Split('.')[0], at));
        Write(2);
        return refused;
    }

    /// <returns>Numbers of free pages that were too few for a checkpoint, and the one before still whole.</returns>
    public int RefusePages()
    {
        Write(1);
        string ballast = Path.Combine(path, "ballast");
        for (int pages = 0; ; pages++)
        {
            Fill(ballast, leave: pages);
            try
            {
                Write(2);
                Require(2);
                return pages;
            }
            catch (CheckpointException e) when (e.Message.Contains("No space left on device"))
            {
                Require(1);
            }
            File.Delete(ballast);
        }
    }

    static void Fill(string ballast, int leave)
    {
        const int Page = 4096;
        using var file = new FileStream(ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true) file.Write(new byte[Page]);
        }
        catch (IOException)
        {
            file.SetLength(Math.Max(0, file.Length - (long)leave * Page));
        }
    }

    void RequireRefused(long steps, (string, long) limit)
    {
        try
        {
            Write(steps, limit);
        }
        catch (CheckpointException)
        {
            Require(steps - 1);
            return;
        }
        throw new InvalidOperationException($"a checkpoint was written past {limit}");
    }

    void Require(long newest)
    {
        if (Newest != newest) throw new InvalidOperationException($"the newest whole checkpoint is {Newest}, not {newest}");
        if (_folder.List().Any(c => CheckpointFolder.Damage(c.Folder).Count > 0)) throw new InvalidOperationException("a checkpoint is damaged under its own name");
        if (Directory.GetDirectories(path, "*.partial").Length > 0) throw new InvalidOperationException("what was half written takes room");
    }
}
