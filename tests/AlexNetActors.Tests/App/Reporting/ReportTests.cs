using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace AlexNetActors.Tests.App;

/// <summary>report.html: what a run leaves, and `alexnet report` makes again.</summary>
public sealed class ReportTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    string Page => Path.Combine(_workshop.In("run"), "report.html");

    /// <summary>Every tag closed, every entity known: what an XML parser asks for, and more than HTML does.</summary>
    XElement Read()
    {
        using var reader = XmlReader.Create(Page, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader).Root!;
    }

    static IEnumerable<string> Titles(XElement page) => page.Descendants("h2").Select(h => h.Value);
    static IEnumerable<string> Figures(XElement page) => page.Descendants("dt").Select(h => h.Value);

    [Fact]
    public void A_run_leaves_a_page_of_itself_that_needs_nothing_else()
    {
        var result = _workshop.TrainTo("run", 7);
        var page = Read();
        Assert.Equal(["Loss", "Error", "Speed", "Learning rate", "conv1's kernels after step 7", "Validations", "What happened", "Trained by", "Digests", "Recipe"], Titles(page));
        Assert.Equal(["steps", "validation loss", "top-1 error", "top-5 error", "speed", "memory", "recoveries"], Figures(page));
        Assert.Contains(result.Digest, page.Value);
        Assert.DoesNotContain("opened", page.Descendants("section").Single(s => s.Element("h2")!.Value == "What happened").Descendants("td").Select(d => d.Value)); // "Trained by" has it
        Assert.Contains("alexnet train --recipe", page.Value);
        Assert.Contains("network.conv3.sees-both = on", page.Descendants("pre").Single().Value);
        Assert.Equal(2, page.Descendants("img").Count());
        Assert.All(page.Descendants("img"), i => Assert.StartsWith("data:image/png;base64,", (string)i.Attribute("src")!));
        Assert.DoesNotMatch(new Regex("(src|href)\\s*=\\s*\"(?!data:)|url\\(|@import|https?://|<script"), File.ReadAllText(Page));

        string left = File.ReadAllText(Page);
        Alexnet.Run("report", _workshop.In("run")).Expect(0);
        Assert.Equal(left, File.ReadAllText(Page));

        Directory.CreateDirectory(Page + ".partial"); // in the way, as a lack of permission is, to root too
        string refused = Assert.Single(Alexnet.Run("report", _workshop.In("run")).Expect(1).Err.TrimEnd().Split('\n'));
        Assert.Contains($"cannot write {Page}: ", refused);
        Assert.EndsWith("; make room or give access, then run this again", refused);
    }

    [Fact]
    public void Of_more_validations_than_the_curves_keep_the_best_is_still_named_and_those_that_are_left_out_are_counted()
    {
        _workshop.TrainTo("run", 3);
        string metrics = Path.Combine(_workshop.In("run"), "metrics.jsonl");
        var line = JsonNode.Parse(File.ReadLines(metrics).First(l => l.Contains("\"kind\":\"validation\"")))!;
        File.WriteAllLines(metrics, Enumerable.Range(1, 700).Select(n =>
        {
            (line["step"], line["epoch"], line["images"], line["top1"], line["best"]) = (n, n, 100, n == 101 ? 0.25 : 0.5, n is 1 or 101);
            return line.ToJsonString();
        }));
        Alexnet.Run("report", _workshop.In("run")).Expect(0);
        var page = Read();
        Assert.Equal("best 25.0 % after step 101", page.Descendants("div").Single(d => d.Element("dt")?.Value == "top-1 error").Element("small")!.Value);
        var shown = page.Descendants("section").Single(s => s.Element("h2")!.Value.StartsWith("Validations: "));
        string[] steps = [.. shown.Descendants("tbody").Single().Elements().Select(r => r.Elements().First().Value)];
        Assert.Equal($"Validations: {steps.Length} of 700, all are in metrics.jsonl", shown.Element("h2")!.Value);
        Assert.Contains("101", steps);
        Assert.Equal("700", steps[^1]);
    }

    [Fact]
    public void What_is_not_known_is_not_shown()
    {
        _workshop.TrainTo("run", 3);
        File.Delete(Path.Combine(_workshop.In("run"), "metrics.jsonl"));
        File.Delete(Path.Combine(_workshop.In("run"), "events.jsonl"));
        Directory.Delete(Path.Combine(_workshop.In("run"), "checkpoints"), recursive: true);
        Alexnet.Run("report", _workshop.In("run")).Expect(0);
        Assert.Equal(["Digests", "Recipe"], Titles(Read()));
        Assert.Empty(Figures(Read()));
    }

    [Fact]
    public void What_a_run_survived_is_told()
    {
        _workshop.TrainTo("run", 3);
        string events = Path.Combine(_workshop.In("run"), "events.jsonl");
        double last = (double)JsonNode.Parse(File.ReadLines(events).Last())!["time"]!;
        File.AppendAllLines(events, ["""{"event":"brok""", // its writer was killed
            $$"""{"event":"broken","time":{{last + 1}},"generation":1,"why":"<node> & its devices are gone"}""",
            $$"""{"event":"started","time":{{last + 900}},"step":2,"from":"the memory of a"}""",
            $$"""{"event":"step","time":{{last + 1501}},"step":3}"""]);
        Alexnet.Run(_workshop.Resume("run", "--steps", "6")).Expect(0);
        var page = Read();
        var recoveries = page.Descendants("section").Single(s => s.Element("h2")!.Value == "Recoveries");
        Assert.Equal(["<node> & its devices are gone", "2", "1.50 s"], recoveries.Descendants("td").Skip(1).Select(d => d.Value));
        Assert.Equal(2, page.Descendants("section").Single(s => s.Element("h2")!.Value == "Trained by").Descendants("tbody").Single().Elements().Count());
    }
}
