using AlexNetActors.App;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

public sealed class KernelPicturesTests : IDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kernels-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Kernels_of_both_towers_share_one_scale_so_that_a_weak_one_is_pale()
    {
        Write(TowerId.A, [2, 3, 1, 2], [-4, 4, 0, 2, -2, 1, /* the weak one */ -0.4f, 0.4f, 0, 0, 0, 0]);
        Write(TowerId.B, [1, 3, 1, 2], [8, 0, 0, 0, 0, -8]);
        var pictures = KernelPictures.Read(_folder.FullName, 7, "conv1")!;
        Assert.Equal([64, 128, 96, 191, 159, 143, 121, 128, 128, 134, 128, 128], pictures.Towers[0].Pixels.Select(p => (int)p));
        Assert.Equal([255, 128, 128, 128, 128, 0], pictures.Towers[1].Pixels.Select(p => (int)p));
    }

    void Write(TowerId tower, int[] shape, float[] values) =>
        SafeTensors.Write(Path.Combine(_folder.FullName, CheckpointFolder.TowerFile(tower)), [new NamedValues("conv1.weight", shape, values)], new Dictionary<string, string>());
}
