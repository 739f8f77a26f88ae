using System.Reflection;
using Microsoft.AspNetCore.Http;

namespace AlexNetActors.App;

/// <summary>A file of the dashboard's page, embedded in the program.</summary>
/// <param name="Route">Its path.</param>
/// <param name="Type">Its media type.</param>
/// <param name="Resource">Its name in the program.</param>
sealed record PageFile(string Route, string Type, string Resource)
{
    const string Prefix = "page/", Index = "index.html";

    static readonly Assembly Program = typeof(PageFile).Assembly;
    static readonly Dictionary<string, string> Types = new()
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    };

    public static IReadOnlyList<PageFile> All { get; } =
        [.. Program.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal) && Types.ContainsKey(Path.GetExtension(n)))
            .Select(n => new PageFile(n == Prefix + Index ? "/" : n[(Prefix.Length - 1)..], Types[Path.GetExtension(n)], n))];

    public async Task Write(HttpResponse response)
    {
        using var file = Program.GetManifestResourceStream(Resource)!;
        (response.ContentType, response.ContentLength) = (Type, file.Length);
        await file.CopyToAsync(response.Body);
    }
}
