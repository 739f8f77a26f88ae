using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

public class WholeFileTests
{
    [Fact]
    public void AFileIsThereWholeOrAsItWas()
    {
        using var folder = new TemporaryFolder();
        string file = folder["model"];
        WholeFile.Write(file, partial => File.WriteAllText(partial, "first"));
        var refusal = Assert.Throws<DataException>(() => WholeFile.Write(file, partial =>
        {
            File.WriteAllText(partial, "half");
            throw new IOException("No space left on device.");
        }));
        Assert.Equal($"cannot write {file}: No space left on device; make room or give access, or name another file", refusal.Message);
        Assert.Equal("first", File.ReadAllText(file));
        Assert.Equal([file], Directory.GetFiles(folder.Path));
    }
}
