namespace AlexNetActors.Tests.App;

/// <summary>Wrong use is answered by one line that says what, where and what to do, and by exit code 2.</summary>
public sealed class WrongUseTests(WrongUseTests.Trained trained) : IClassFixture<WrongUseTests.Trained>
{
    /// <summary>A workshop with a finished run in it, shared by all cases.</summary>
    public sealed class Trained : IDisposable
    {
        internal Workshop Workshop { get; } = new();

        public Trained()
        {
            Workshop.TrainTo("run", 1);
            Directory.CreateDirectory(Workshop.In("empty"));
            File.WriteAllText(Workshop.In("broken.conf"), "network {\n  layers = [conv1, }\n] = 3");
            File.WriteAllText(Workshop.In("unknown.conf"), "base = robust\nnetwork.conv2.kernel = 64");
            File.WriteAllText(Workshop.In("loop.conf"), "base = loop");
            File.WriteAllText(Workshop.In("endless.conf"), "a = [=]"); // in a process of its own: the thread that parses it never ends and takes ever more memory
            File.WriteAllText(Workshop.In("faults-value.conf"), "faults = \"kill seed at step 2 in loss\"");
            File.WriteAllText(Workshop.In("faults-nodes.conf"), "nodes = 5");
            File.WriteAllText(Workshop.In("faults-pictures.conf"), "pictures.size = 15");
            File.WriteAllText(Workshop.In("deep.conf"), $"a{string.Concat(Enumerable.Repeat(" {a", 15_000))}=1{new string('}', 15_000)}"); // in processes of their own: they would end by it
            File.WriteAllText(Workshop.In("long.conf"), $"a{string.Concat(Enumerable.Repeat(".a", 30_000))} = 1");
            File.WriteAllText(Workshop.In("layers.conf"), "base = robust\nnetwork.conv9.size = 3");
        }

        public void Dispose() => Workshop.Dispose();
    }

    [Theory]
    [InlineData("train --recipe nothing", "there is no recipe 'nothing': use paper, quickstart, robust, or name a file")]
    [InlineData("train --recipe $/unknown.conf", "unknown key, network.conv2.kernel: did you mean network.conv2.kernels?")]
    [InlineData("train --recipe $/layers.conf", "unknown key, network.conv9.size")]
    [InlineData("train --recipe $/broken.conf", "broken.conf is not HOCON: line 2: '}' closes the '[' of line 2")]
    [InlineData("plan --recipe $/deep.conf", "line 1: nested more than 64 deep")]
    [InlineData("plan --recipe $/long.conf", "line 1: nested more than 64 deep")]
    [InlineData("train --recipe $/loop.conf", "is one based on itself?")]
    [InlineData("train --recipe $/endless.conf", "endless.conf is not HOCON: the parser finds no end of it")]
    [InlineData("train --set momentum=0.8", "unknown key, momentum: did you mean descent.momentum?")]
    [InlineData("train --set network=5", "network is a block, not a value")]
    [InlineData("train --set alexnet.loader=3", "did you mean alexnet.loaders?")]
    [InlineData("train --set alexnet.loader-dispatcher.type=X", "alexnet.loader-dispatcher.type is not for --set")]
    [InlineData("train --set akka.whatever=nonsense", "unknown key, akka.whatever")]
    [InlineData("train --set akka.actor.provider=none", "unknown key, akka.actor.provider")]
    [InlineData("train --set akka.loglevel=DEBUG", "akka.loglevel is not for --set")]
    [InlineData("train --set akka.scheduler.tick-duration=soon", "wanted a time above 0 with its unit")]
    [InlineData("train --set akka.log-dead-letters=maybe", "wanted on or off")]
    [InlineData("train --set batch", "wanted path=value")]
    [InlineData("trace $/run /dev/alexnet/steps.json", "is a device")]
    [InlineData("train --set batch=0", "batch in recipe quickstart is 0: wanted a whole number from 1 to 65536")]
    [InlineData("train --recipe paper --set batch=20000", "batch in recipe paper is 20000: wanted at most 14263 for pictures of 224 x 224")]
    [InlineData("train --set batch=60000 --set network.classes=1000000", "batch in recipe quickstart is 60000: wanted at most 1073")]
    [InlineData("train --set schedule.improvement=1", "schedule.improvement in recipe quickstart is 1: wanted a number from 0 to 0.999")]
    [InlineData("train --set schedule.rate=fast", "schedule.rate in recipe quickstart is fast: wanted a number")]
    [InlineData("train --set augmentation.mirror=maybe", "wanted on or off")]
    [InlineData("train --set alexnet.step-deadline=soon", "wanted a time above 0 with its unit")]
    [InlineData("train --set network.conv1.kernels=31", "conv1 has 31 kernels")]
    [InlineData("train --set network.layers=conv1", "wanted a list of names")]
    [InlineData("train --device gpu", "there is no device 'gpu'")]
    [InlineData("train --device cuda:99", "cuda:99")]
    [InlineData("train --device ilgpu-cpu --set compute.precision=tf32", "ilgpu-cpu cannot compute in tf32")]
    [InlineData("train --device ilgpu-cpu --set compute.blas=cublas", "ilgpu-cpu cannot use cuBLAS")]
    [InlineData("train --set compute.precision=half", "compute.precision in node.conf is half: wanted one of float32, tf32")]
    [InlineData("train --set compute.precission=tf32", "did you mean compute.precision?")]
    [InlineData("train --device cpu,cpu,cpu", "name one or two")]
    [InlineData("train --data $/nowhere", "there is no folder")]
    [InlineData("train --data $/data --recipe paper", "crops of 224 cannot be cut from the records")]
    [InlineData("train --steps 0", "at least 1")]
    [InlineData("train --epochs 9223372036854775807", "at most 2147483647")]
    [InlineData("faults matrix --fault kill_tower-A_at_step_3", "a plan with a matrix is many runs of its own")]
    [InlineData("faults matrix --write-plan $/written.conf", "a matrix is 45 runs")]
    [InlineData("faults $/faults-value.conf", "faults in fault plan")]
    [InlineData("faults $/faults-nodes.conf", "nodes in fault plan")]
    [InlineData("train --steps many", "'many' for option '--steps', wanted a whole number")]
    [InlineData("train --steps 99999999999999999999", "wanted a whole number, at most 9223372036854775807")]
    [InlineData("predict $/run $/empty --top 9999999999", "wanted a whole number, at most 2147483647")]
    [InlineData("predict $/run @nothing.jpg", "there is no file @nothing.jpg")]
    [InlineData("train --dashboard 99999", "--dashboard has '99999': wanted a port of this machine, at most 65535, or HOST:PORT")]
    [InlineData("faults --steps 99999999999", "at most 2147483647")]
    [InlineData("faults $/faults-pictures.conf", "pictures.size in fault plan")]
    [InlineData("faults recovery --write-plan $/empty", "is a folder: name a file in it")]
    [InlineData("prepare $/empty $/broken.conf", "broken.conf is a file: name a folder")]
    [InlineData("train --steps 1 --epochs 1", "give one of them")]
    [InlineData("train --fast", "'--fast': see `alexnet train --help`")]
    [InlineData("trian", "'trian': see `alexnet --help`")]
    [InlineData("", "see `alexnet --help`")]
    [InlineData("plan --recipe nothing", "there is no recipe")]
    [InlineData("bench --recipe nothing", "there is no recipe")]
    [InlineData("bench --device gpu", "there is no device 'gpu'")]
    [InlineData("bench --device cpu,cpu,cpu", "names 3 devices: name one, or two to compare")]
    [InlineData("bench --threads 0", "--threads is 0: wanted a whole number from 1 to 1024")]
    [InlineData("bench --batch many", "'many' for option '--batch', wanted a whole number")]
    [InlineData("bench --repetitions -1", "--repetitions is -1: wanted a whole number from 1 to 1000")]
    [InlineData("bench --layer pool", "no layer of recipe paper starts so: use input, conv1,")]
    [InlineData("digest $/nowhere", "there is no folder")]
    [InlineData("digest $/data", "is no run folder and no checkpoint")]
    [InlineData("evaluate $/run --views 3", "wanted 1 (the centre) or 10")]
    [InlineData("evaluate $/run --data $/nowhere", "there is no folder")]
    [InlineData("predict $/run $/nothing.jpg", "there is no file")]
    [InlineData("predict $/run $/empty", "there is no picture in")]
    [InlineData("predict $/run $/data/train.pack --html $/nowhere/sheet.html", "make it, or name another file")]
    [InlineData("export $/run $/network.pt", "neither .safetensors nor .onnx")]
    [InlineData("export $/run $/nowhere/network.onnx", "make it, or name another file")]
    [InlineData("export $/nowhere $/network.onnx", "there is no folder")]
    [InlineData("import $/nothing.safetensors", "there is no file")]
    [InlineData("completion tcsh", "there is no completion for 'tcsh': use bash, zsh, fish")]
    [InlineData("prepare $/nowhere $/target", "there is no folder")]
    [InlineData("train --data $/empty", "so no finished data set: make one with `alexnet prepare SOURCE TARGET`, and name its TARGET with --data")]
    [InlineData("node --roles gpu --certificates $/nowhere", "make one for each node with `alexnet certificates DIR --nodes NAME,...`")]
    [InlineData("check 127.0.0.1:2012 --certificates $/nowhere", "there is no folder")]
    [InlineData("prepare $/data $/run", "is the folder of a run")]
    [InlineData("prepare $/data $/data/packs", "lies in the source")]
    [InlineData("prepare $/empty $/target", "has no class folders")]
    [InlineData("node --roles gpu --listen node-1:2012", "without certificates anybody who reaches node-1 could command this node")]
    public void One_line_says_what_and_what_to_do(string line, string expected)
    {
        string[] args = [.. line.Replace("$", trained.Workshop.Folder).Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        var result = Alexnet.Run(args).Expect(2);
        string error = Assert.Single(result.Err.TrimEnd().Split('\n'));
        Assert.StartsWith("alexnet: ", error);
        Assert.Contains(expected, error);
        Assert.Equal("", result.Out);
    }

    [Theory]
    [InlineData("--set akka.scheduler.tick-duration=1ms", "the actors cannot be started with this configuration")]
    [InlineData("--dashboard 1.2.3.4:8080", "--dashboard 1.2.3.4:8080: ")]
    public void What_only_the_system_refuses_is_one_line_too(string option, string expected)
    {
        var w = trained.Workshop;
        var result = Alexnet.Run("train", "--recipe", w.RecipeFile, "--data", w.Data, "--run", w.In($"refused-{expected.Length}"), option.Split(' ')[0], option.Split(' ')[1]).Expect(2);
        Assert.Contains(expected, result.Err.TrimEnd().Split('\n')[^1]);
        Assert.DoesNotContain("   at ", result.Err);
    }

    /// <summary>Of each command that computes on the processor, before it begins anything.</summary>
    [Fact]
    public void Vectors_that_there_are_not_are_refused()
    {
        var w = trained.Workshop;
        foreach (string[] command in new string[][] { ["evaluate", w.In("run")], ["predict", w.In("run"), w.RecipeFile], ["bench"], ["faults", "--steps", "2"], w.Train("vectors") })
            Assert.Equal("alexnet: ALEXNET_SIMD must be 128, 256 or 512, got '64'", Assert.Single(Alexnet.Wait(Alexnet.StartProcess("/usr/bin/env", ["ALEXNET_SIMD=64", .. Alexnet.Command, .. command])).Expect(2).Err.TrimEnd().Split('\n')));
        Assert.False(Directory.Exists(w.In("vectors")));
    }

    [Fact]
    public void An_empty_name_is_refused()
    {
        foreach (string[] command in new string[][] { ["train", "--run", ""], ["trace", trained.Workshop.In("run"), ""], ["certificates", "", "--nodes", "one"], ["prepare", trained.Workshop.Data, ""] })
            Assert.Contains(" is empty", Assert.Single(Alexnet.Run(command).Expect(2).Err.TrimEnd().Split('\n')));
    }

    /// <summary>Akka's parser would follow it for ever.</summary>
    [Fact]
    public void A_substitution_is_refused() => Assert.Contains("it has a substitution", Assert.Single(Alexnet.Run("plan", "--set", "seed=${?HOME}").Expect(2).Err.TrimEnd().Split('\n')));

    [Fact]
    public void A_damaged_pack_or_checkpoint_is_named_with_exit_code_1()
    {
        var w = trained.Workshop;
        foreach (string file in Directory.EnumerateFiles(w.Data)) File.Copy(file, Path.Combine(Directory.CreateDirectory(w.In("damaged")).FullName, Path.GetFileName(file)));
        Workshop.Damage(Path.Combine(w.In("damaged"), "train.pack"));
        var pack = Alexnet.Run("train", "--recipe", w.RecipeFile, "--data", w.In("damaged"), "--run", w.In("never"), "--steps", "9").Expect(1);
        Assert.Contains("train.pack is damaged", pack.Err.TrimEnd().Split('\n')[^1]);
        Assert.DoesNotContain("   at ", pack.Err);

        w.TrainTo("other", 1);
        string checkpoint = w.Checkpoints("other")[0].Folder;
        Workshop.Damage(Path.Combine(checkpoint, "tower-A.safetensors"));
        Assert.Contains("tower-A.safetensors is damaged", Assert.Single(Alexnet.Run("digest", checkpoint).Expect(1).Err.TrimEnd().Split('\n')));
    }
}
