// Trains a small AlexNet from C#, without the command and without actors, and looks at a picture with it; arguments: steps, picture file.
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

long steps = args.Length > 0 ? long.Parse(args[0]) : 500;
using var data = BuiltInPictures.Create(Path.Combine(Path.GetTempPath(), "alexnet-example")); // or DataFolder.Open, of what `alexnet prepare` made

var network = new Network(inputSize: 32, classes: data.Classes.Count,
[
    new("conv1", 32, Size: 5, Pad: 2, Deviation: 0.004f, Normalize: true, Pool: true),
    new("conv2", 64, Size: 5, Pad: 2, Deviation: 0.07f, Bias: 0.1f, Normalize: true, Pool: true),
    new("conv3", 96, Size: 3, Pad: 1, SeesBoth: true, Deviation: 0.07f, Pool: true),
    new("fc6", 256, SeesBoth: true, Deviation: 0.07f, Bias: 0.1f, Dropout: 0.2),
    new("fc8", data.Classes.Count, SeesBoth: true, Deviation: 0.05f),
], LocalResponse.Paper);
var schedule = new LearningRateSchedule(InitialRate: 0.001f, Factor: 10, Reductions: 3, Patience: 2, Improvement: 0.02);
var recipe = new Recipe("example", network, Seed: 2012, Batch: 32, Momentum: 0.9f, WeightDecay: 0.0005f, schedule,
    new Augmentation(CropSize: 32, RandomCrop: true, Mirror: true, ColourSigma: 0.1), EpochsMax: 24, CheckpointSteps: 1000);

using var device = new CpuDevice(Environment.ProcessorCount);
var trainer = new SequentialTrainer(recipe, data, device, new RunLimits(data.Train.Count, recipe.Batch, steps, recipe.CheckpointSteps, schedule));
trainer.Run((step, score) =>
{
    if (step % 50 == 0) Console.WriteLine($"step {step}: loss {score.Loss:0.0000}");
});
Console.WriteLine($"validation: top-1 error {100 * trainer.Validate().Top1Error:0.0} %, weights {trainer.Digest()}");

if (args.Length > 1) // a picture file: what does the network see in it? For a run of the command: Classifier.Open("runs/mine", device)
{
    var classifier = new Classifier(network, [.. trainer.Towers.Select(t => TowerStates.Capture(t))], data.Mean, device, batch: 1) { Classes = data.Classes };
    foreach (var (name, probability) in classifier.Guesses(File.ReadAllBytes(args[1])).Take(3))
        Console.WriteLine($"{100 * probability:0.0} % {name}");
}
