using AlexNetActors.Data;

namespace AlexNetActors.Tests.App;

/// <summary>evaluate, predict, digest and devices on a trained run.</summary>
public sealed class InferenceTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void Evaluation_repeats_the_validation_of_the_checkpoint_and_ten_views_see_the_same_pictures()
    {
        var trained = _workshop.TrainTo("run", 5).Json;
        string newest = _workshop.Checkpoints("run")[0].Folder;
        var one = Alexnet.Run("evaluate", newest, "--json").Expect(0).Json;
        Assert.Equal(Workshop.ValidationRecords, (int)one["images"]!);
        Assert.Equal((double)trained["top1Error"]!, (double)one["top1Error"]!);
        Assert.Equal((double)trained["loss"]!, (double)one["loss"]!, 1e-6); // the logarithm of a softmax, and a softmax's logarithm
        var ten = Alexnet.Run("evaluate", newest, "--views", "10", "--json", "--device", "cpu").Expect(0).Json;
        Assert.Equal(Workshop.ValidationRecords, (int)ten["images"]!);
        Assert.NotEqual((double)one["loss"]!, (double)ten["loss"]!);

        // Steady is a whole batch after the first: 7 pictures are less than one of 8, but two of 3 and a rest.
        Assert.Null(one["steadyImagesPerSecond"]);
        Assert.True((double)Alexnet.Run("evaluate", newest, "--json", "--set", "batch=3").Expect(0).Json["steadyImagesPerSecond"]! > 0);

        // A run folder means its best checkpoint here, and its newest for the digest.
        double best = _workshop.Metrics("run", "validation").Min(l => (double)l["top1"]!);
        Assert.Equal(best, (double)Alexnet.Run("evaluate", _workshop.In("run"), "--json").Expect(0).Json["top1Error"]!);
        Assert.Equal((string)trained["weightsSha256"]!, Alexnet.Run("digest", _workshop.In("run")).Expect(0).Out.Trim());
    }

    [Fact]
    public void Prediction_needs_no_data_set_and_skips_what_is_no_picture()
    {
        _workshop.TrainTo("run", 2);
        Directory.Move(_workshop.Data, _workshop.In("elsewhere"));
        File.WriteAllBytes(_workshop.In("grey.bmp"), GreyBitmap(50, 40));
        File.WriteAllText(_workshop.In("page.jpg"), "<html>not found</html>");

        var result = Alexnet.Run("predict", _workshop.In("run"), _workshop.In("grey.bmp"), _workshop.In("page.jpg"), "--top", "3", "--views", "10", "--json").Expect(1);
        var images = result.Json["images"]!.AsArray();
        var guesses = images[0]!["guesses"]!.AsArray();
        Assert.Equal(3, guesses.Count);
        Assert.All(guesses, g => Assert.Contains((string)g!["class"]!, BuiltInPictures.Classes));
        double[] probabilities = [.. guesses.Select(g => (double)g!["probability"]!)];
        Assert.Equal(probabilities.OrderDescending(), probabilities);
        Assert.InRange(probabilities.Sum(), 0.3, 1);
        Assert.NotNull(images[1]!["skipped"]);
        Assert.StartsWith("alexnet: 1 of 2 files could not be used", result.Err.TrimEnd().Split('\n')[^1]);
    }

    [Fact]
    public void Predictions_are_drawn_on_a_sheet_that_needs_nothing_else()
    {
        _workshop.TrainTo("run", 2);
        string folder = Directory.CreateDirectory(_workshop.In("star")).FullName, sheet = _workshop.In("sheet.html");
        foreach (string name in new[] { "a.bmp", "<b>.bmp" }) File.WriteAllBytes(Path.Combine(folder, name), GreyBitmap(50, 40));
        var result = Alexnet.Run(["predict", _workshop.In("run"), .. Directory.GetFiles(folder), "--html", sheet, "--json"]).Expect(0);
        Assert.All(result.Json["images"]!.AsArray(), i => Assert.Equal("star", (string)i!["label"]!));

        string html = File.ReadAllText(sheet);
        int Count(string text) => html.Split(text).Length - 1;
        Assert.Equal((2, 2, 10), (Count("src=\"data:image/png;base64,iVBOR"), Count("<figcaption>star</figcaption>"), Count("<i style=\"width:")));
        Assert.Contains("&lt;b&gt;.bmp", html);
        Assert.Equal(0, Count("http") + Count("<script") + Count("url("));
    }

    /// <summary>24 bits a pixel, all of them 128.</summary>
    static byte[] GreyBitmap(int width, int height)
    {
        int rowBytes = (3 * width + 3) / 4 * 4;
        var file = new byte[54 + rowBytes * height];
        void Put(int at, int value) => BitConverter.TryWriteBytes(file.AsSpan(at), value);
        "BM"u8.CopyTo(file);
        Put(2, file.Length);
        Put(10, 54);
        Put(14, 40);
        Put(18, width);
        Put(22, height);
        Put(26, 1 | 24 << 16);
        file.AsSpan(54).Fill(128);
        return file;
    }

    [Fact]
    public void Devices_are_listed_with_the_reason_for_those_that_cannot_be_used()
    {
        var devices = Alexnet.Run("devices", "--json").Expect(0).Json["devices"]!.AsArray();
        Assert.Contains(devices, d => (string)d!["name"]! == "cpu" && (bool)d["usable"]!);
        Assert.All(devices.Where(d => !(bool)d!["usable"]!), d => Assert.NotEqual("", (string)d!["description"]!));
    }
}
