using System.Diagnostics;
using System.Text.Json.Nodes;
using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Tests.Data;
using Spectre.Console;

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

    /// <summary>Whoever has no other pictures has those: in a validation set as small as this one they are all of it.</summary>
    [Fact]
    public void One_built_in_picture_of_each_class_is_a_file_and_is_seen_as_its_record_is()
    {
        _workshop.TrainTo("run", 12);
        var evaluated = Alexnet.Run("evaluate", _workshop.In("run"), "--json").Expect(0).Json;
        var predicted = Alexnet.Run("predict", _workshop.In("run"), Path.Combine(_workshop.Data, "pictures"), "--top", "10", "--json").Expect(0).Json;
        Assert.Equal(Workshop.ValidationRecords, (int)predicted["labelled"]!);
        int right = (int)predicted["right"]!;
        Assert.Equal((double)evaluated["top1Error"]!, (double)(Workshop.ValidationRecords - right) / Workshop.ValidationRecords);
        double loss = predicted["images"]!.AsArray().Average(i => -Math.Log((double)i!["guesses"]!.AsArray().First(g => (string)g!["class"]! == (string)i["label"]!)!["probability"]!));
        Assert.Equal((double)evaluated["loss"]!, loss, 1e-6);
    }

    /// <summary>The sums over the classes are the totals; the counts of a class are those of its pictures.</summary>
    static void AssertSums(JsonObject evaluated, IEnumerable<string> names)
    {
        var classes = evaluated["classes"]!.AsArray().Select(c => c!.AsObject()).ToArray();
        Assert.Equal(names, classes.Select(c => (string)c["class"]!));
        int right = 0;
        foreach (var c in classes)
        {
            var guesses = c["guesses"]!.AsObject().ToDictionary(g => g.Key, g => (int)g.Value!);
            int images = (int)c["images"]!, own = guesses.GetValueOrDefault((string)c["class"]!);
            Assert.All(guesses, g => Assert.True(names.Contains(g.Key) && g.Value > 0));
            Assert.Equal(images, guesses.Values.Sum());
            if (images == 0) Assert.Null(c["top1Error"]);
            else Assert.Equal((double)(images - own) / images, (double)c["top1Error"]!);
            right += own;
        }
        int all = (int)evaluated["images"]!;
        Assert.Equal(all, classes.Sum(c => (int)c["images"]!));
        Assert.Equal((double)(all - right) / all, (double)evaluated["top1Error"]!);
    }

    [Fact]
    public void Evaluation_counts_by_class_what_pictures_are_taken_for_and_shows_the_worst()
    {
        _workshop.TrainTo("run", 5);
        AssertSums(Alexnet.Run("evaluate", _workshop.In("run"), "--json").Expect(0).Json, BuiltInPictures.Classes); // 7 pictures: classes without any, too

        TestPictures.WriteClasses(_workshop.In("train"), classes: 13, files: 4);
        foreach (string folder in Directory.GetDirectories(_workshop.In("train"))) Directory.Move(folder, folder.Replace("class", "[") + "]"); // which a table must not read
        Alexnet.Run("prepare", _workshop.In("train"), _workshop.In("thirteen"), "--size", "36").Expect(0);
        Alexnet.Run("train", "--recipe", _workshop.RecipeFile, "--data", _workshop.In("thirteen"), "--run", _workshop.In("run13"), "--steps", "2").Expect(0);
        var result = Alexnet.Run("evaluate", _workshop.In("run13")).Expect(0);
        Assert.Equal(10, result.Out.Split('\n').Count(l => l.TrimStart().StartsWith('[')));
        Assert.Contains("the 10 classes with the largest errors of 13", result.Out);
        AssertSums(Alexnet.Run("evaluate", _workshop.In("run13"), "--json").Expect(0).Json, Enumerable.Range(0, 13).Select(c => $"[{c}]").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_folder_stands_for_its_pictures_and_as_many_are_recognised_as_the_evaluation_says()
    {
        string pictures = _workshop.In("pictures"), validation = Path.Combine(pictures, "val");
        TestPictures.WriteClasses(Path.Combine(pictures, "train"), classes: 3, files: 8);
        TestPictures.WriteClasses(validation, classes: 3, files: 5, seed: 1000);
        Alexnet.Run("prepare", pictures, _workshop.In("three"), "--size", "36").Expect(0);
        Alexnet.Run("train", "--recipe", _workshop.RecipeFile, "--data", _workshop.In("three"), "--run", _workshop.In("run"), "--steps", "9").Expect(0);
        var evaluated = Alexnet.Run("evaluate", _workshop.In("run"), "--json").Expect(0).Json;
        AssertSums(evaluated, ["class0", "class1", "class2"]);

        var result = Alexnet.Run("predict", _workshop.In("run"), validation, "--json").Expect(0);
        int labelled = (int)result.Json["labelled"]!, right = (int)result.Json["right"]!;
        Assert.Equal((15, (double)evaluated["top1Error"]!), (labelled, (double)(labelled - right) / labelled));
        Assert.StartsWith($"{right} of 15 labelled pictures recognised: top-1 error ", result.Err.TrimEnd().Split('\n')[^1]);
        var files = result.Json["images"]!.AsArray();
        Assert.Equal(Enumerable.Range(0, 15).Select(i => Path.Combine(validation, $"class{i / 5}", $"{i % 5:00}.jpg")), files.Select(f => (string)f!["file"]!));
        Assert.Equal(Enumerable.Range(0, 15).Select(i => $"class{i / 5}"), files.Select(f => (string)f!["label"]!));
    }

    [Fact]
    public void In_a_folder_what_is_no_picture_is_neither_waited_for_nor_read_whole()
    {
        _workshop.TrainTo("run", 1);
        string folder = _workshop.In("mixed"), deep = Directory.CreateDirectory(Path.Combine(folder, "a", "deep")).FullName;
        foreach (string picture in new[] { Path.Combine(deep, "c.bmp"), Path.Combine(folder, "b.bmp"), Path.Combine(folder, ".hidden.bmp"), _workshop.In("z.bmp") })
            File.WriteAllBytes(picture, GreyBitmap(50, 40));
        using (var film = File.Create(Path.Combine(folder, "film.mp4"))) film.SetLength(300 << 20);
        if (OperatingSystem.IsWindows()) File.Create(Path.Combine(folder, "pipe.jpg")).Dispose();
        else using (var pipe = Process.Start("mkfifo", Path.Combine(folder, "pipe.jpg"))) pipe.WaitForExit();

        var result = Alexnet.Run("predict", _workshop.In("run"), _workshop.In("z.bmp"), folder, "--json").Expect(1);
        Assert.Equal(
            [("z.bmp", null), ("c.bmp", null), ("b.bmp", null), ("film.mp4", "314572800 bytes are more than a picture has"), ("pipe.jpg", "empty file")],
            result.Json["images"]!.AsArray().Select(i => (Path.GetFileName((string)i!["file"]!), (string?)i["skipped"])));
        Assert.Equal(0, (int)result.Json["labelled"]!);
        Assert.DoesNotContain("labelled", result.Err);
        Assert.StartsWith("alexnet: 2 of 5 files could not be used", result.Err.TrimEnd().Split('\n')[^1]);
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
    public void From_CSharp_a_run_is_opened_in_one_call_and_sees_what_predict_sees()
    {
        _workshop.TrainTo("run", 5);
        string run = _workshop.In("run"), picture = _workshop.In("some.jpg"), newest = _workshop.Checkpoints("run")[0].Folder;
        File.WriteAllBytes(picture, TestPictures.Jpeg(1));
        Directory.Move(_workshop.Data, _workshop.In("elsewhere"));
        using var device = new CpuDevice(threads: 2);
        foreach (var (path, views) in new[] { (run, 1), (run + "/", 10), (newest, 1) })
        {
            var guesses = Alexnet.Run("predict", path, picture, "--top", "10", "--views", $"{views}", "--json").Expect(0).Json["images"]![0]!["guesses"]!.AsArray();
            Assert.Equal(guesses.Select(g => ((string)g!["class"]!, (double)g["probability"]!)), Classifier.Open(path, device).Guesses(File.ReadAllBytes(picture), views));
        }

        string Refused(string path) => Assert.Throws<CheckpointException>(() => Classifier.Open(path, device)).Message;
        Assert.Contains("is no run folder and no checkpoint of one", Refused(_workshop.Folder));
        Assert.StartsWith("the picture cannot be used: ", Assert.Throws<DataException>(() => Classifier.Open(run, device).Guesses("no picture"u8)).Message);
        Workshop.Damage(Path.Combine(newest, "tower-A.safetensors"));
        var said = new List<string>();
        Assert.Equal(10, Classifier.Open(run, device, report: said.Add).Classes.Count);
        Assert.Contains("tower-A.safetensors is damaged", Assert.Single(said));
        string recipe = Path.Combine(run, "recipe.conf");
        File.WriteAllText(recipe, File.ReadAllText(recipe).Replace("network.response.alpha = 0.0001\n", "network.response.alpha = 0.5\n"));
        Assert.Contains("is not the one its run was started with", Refused(run));
        File.Delete(recipe);
        Assert.Contains("is not the one its run was started with", Refused(run));
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
    public void A_device_may_have_brackets_in_its_name()
    {
        var shown = new StringWriter();
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(shown) }).Write(DevicesCommand.Table(
            [new DeviceEntry("opencl:0", "opencl-a770", "opencl", "Intel(R) Graphics [0x56a0]", null, _ => throw new InvalidOperationException())], [new UnusableDevice("cuda", "no [driver]")]));
        Assert.Contains("[0x56a0]", shown.ToString());
        Assert.Contains("[driver]", shown.ToString());
    }

    [Fact]
    public void Devices_are_listed_with_the_reason_for_those_that_cannot_be_used()
    {
        var devices = Alexnet.Run("devices", "--json").Expect(0).Json["devices"]!.AsArray();
        Assert.Contains(devices, d => (string)d!["name"]! == "cpu" && (bool)d["usable"]!);
        Assert.All(devices.Where(d => !(bool)d!["usable"]!), d => Assert.NotEqual("", (string)d!["description"]!));
    }
}
