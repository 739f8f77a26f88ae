namespace AlexNetActors.App;

/// <summary>Brackets and quotation marks that do not pair up: Akka's parser overlooks some and never returns from others. What is nested too deep ends the process.</summary>
static class HoconBrackets
{
    const int DepthMax = 64; // of brackets, and of the words of a key

    /// <returns>What is wrong and in which line; null when everything pairs up.</returns>
    public static string? Complaint(string text)
    {
        var open = new Stack<(char Bracket, int Line)>();
        int line = 1, dots = 0;
        for (int i = 0; i < text.Length; i++)
        {
            dots = text[i] is '.' ? dots + 1 : "=:,{}[]\n".Contains(text[i]) ? 0 : dots;
            if (Math.Max(dots, open.Count) > DepthMax) return $"line {line}: nested more than {DepthMax} deep";
            switch (text[i])
            {
                case '\n':
                    line++;
                    break;
                case '#' or '/' when text[i] == '#' || text.AsSpan(i).StartsWith("//"):
                    i = End(text, "\n", i) - 1;
                    break;
                case '"':
                    bool triple = text.AsSpan(i).StartsWith("\"\"\"");
                    int end = triple ? End(text, "\"\"\"", i + 3) : EndOfString(text, i + 1);
                    if (end >= text.Length || text[end] == '\n') return $"line {line}: a quotation mark is never closed";
                    line += text.AsSpan(i, end - i).Count('\n');
                    i = triple ? end + 2 : end;
                    break;
                case '{' or '[':
                    open.Push((text[i], line));
                    break;
                case '}' or ']':
                    if (!open.TryPop(out var opened)) return $"line {line}: '{text[i]}' closes nothing";
                    if (opened.Bracket == '{' != (text[i] == '}')) return $"line {line}: '{text[i]}' closes the '{opened.Bracket}' of line {opened.Line}";
                    break;
            }
        }
        return open.TryPop(out var left) ? $"line {left.Line}: '{left.Bracket}' is never closed" : null;
    }

    static int End(string text, string mark, int from) => text.IndexOf(mark, from, StringComparison.Ordinal) is >= 0 and int at ? at : text.Length;

    static int EndOfString(string text, int from)
    {
        while (from < text.Length && text[from] is not ('"' or '\n')) from += text[from] == '\\' ? 2 : 1;
        return from;
    }
}
