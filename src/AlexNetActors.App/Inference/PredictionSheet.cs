using System.Net;
using System.Text;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// The sheet of the paper's figure 4: pictures, under each the class it is of, where that is known, and the best guesses with bars for their
/// probabilities, the right one in red. One HTML file that needs nothing else.
/// </summary>
static class PredictionSheet
{
    /// <exception cref="DataException">It cannot be written.</exception>
    public static void Write(string path, string title, IEnumerable<Prediction> predictions, int recordSize) =>
        WholeFile.Write(path, partial => File.WriteAllText(partial, Html(title, predictions.Where(p => p.Skipped is null), recordSize)));

    static string Html(string title, IEnumerable<Prediction> predictions, int recordSize)
    {
        var html = new StringBuilder($$"""
            <!DOCTYPE html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>{{Text(title)}}</title>
            <style>
            body { font: 14px/1.4 sans-serif; margin: 24px; color: #222; background: #fff }
            main { display: flex; flex-wrap: wrap; gap: 24px }
            figure { width: 224px; margin: 0 }
            img { width: 224px; height: 224px; object-fit: contain; image-rendering: auto; background: #eee }
            figcaption { text-align: center; min-height: 1.4em; font-weight: bold; overflow-wrap: anywhere }
            li { position: relative; margin: 2px 0; padding: 1px 4px; overflow-wrap: anywhere }
            ol { list-style: none; margin: 4px 0; padding: 4px; border: 1px solid #999 }
            li i { position: absolute; z-index: -1; left: 0; top: 0; bottom: 0; background: #9db8e8 }
            li.right i { background: #f2a0a0 }
            li b { float: right; font-weight: normal; color: #555 }
            small { color: #777; overflow-wrap: anywhere }
            </style>
            <h1>{{Text(title)}}</h1>
            <main>

            """);
        foreach (var p in predictions)
        {
            html.Append($"<figure><img alt=\"{Text(p.File)}\" src=\"data:image/png;base64,{Convert.ToBase64String(RecordPicture.Png(p.Record, recordSize, recordSize))}\">");
            html.Append($"<figcaption>{Text(p.Label ?? "")}</figcaption>\n<ol>\n");
            foreach (var (name, probability) in p.Guesses)
                html.Append(FormattableString.Invariant($"<li{(name == p.Label ? " class=\"right\"" : "")}><i style=\"width:{100 * probability:0.0}%\"></i><b>{Words.Percent(probability)}</b>{Text(name)}</li>\n"));
            html.Append($"</ol><small>{Text(p.File)}</small></figure>\n");
        }
        return html.Append("</main>\n</html>\n").ToString();
    }

    static string Text(string text) => WebUtility.HtmlEncode(text);
}
