using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

/// <summary>Files that no MATLAB wrote are refused at once; the ones that it did are read in <see cref="ImageNetTarsTests"/>.</summary>
public class MetaMatTests
{
    [Theory]
    [InlineData(1, 1, 0, "ab", "field names have 0 characters")]
    [InlineData(1, 1, -8, "ab", "field names have -8 characters")]
    [InlineData(65536, 65536, 8, "", "")] // more elements than a number holds
    [InlineData(int.MaxValue, 1, 8, "", "no struct array")] // as many elements, of no fields
    public async Task AStructThatCannotBeIsRefusedAtOnce(int rows, int columns, int nameLength, string names, string expected)
    {
        byte[] file = MatFile.Struct(rows, columns, nameLength, names);
        var refusal = await Assert.ThrowsAsync<DataException>(() => Task.Run(() => MetaMat.Synsets(file)).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.StartsWith("meta.mat of the development kit cannot be read: ", refusal.Message);
        Assert.Contains(expected, refusal.Message);
    }
}
