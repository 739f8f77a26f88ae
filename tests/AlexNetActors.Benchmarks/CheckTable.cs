namespace AlexNetActors.Benchmarks;

/// <summary>A row of the GPU check's one table.</summary>
/// <param name="Part">Of the check.</param>
/// <param name="What">Was looked at.</param>
/// <param name="Result">That came out; empty when nothing did.</param>
/// <param name="Remark">How to read it, or why there is no result.</param>
readonly record struct CheckRow(string Part, string What, string Result, string Remark)
{
    /// <summary>A remark of what went wrong: the last line, which is the error's, without the command that failed; all of it goes to standard output.</summary>
    public static string Why(Exception e)
    {
        Console.WriteLine(e.Message);
        string line = e.Message.TrimEnd().Split('\n')[^1];
        return line[(line.IndexOf(" ended with ", StringComparison.Ordinal) + 1)..];
    }

    public override string ToString() => $"| {Cell(Part)} | {Cell(What)} | {Cell(Result)} | {Cell(Remark)} |";

    static string Cell(string text) => text.ReplaceLineEndings(" ").Replace('|', '/');
}

/// <summary>Rows for the table, in a file that is whole at any time: what was found before a deadline stays.</summary>
static class CheckTable
{
    public static void Write(string file, IEnumerable<CheckRow> rows)
    {
        File.WriteAllLines(file + ".new", rows.Select(r => r.ToString()));
        File.Move(file + ".new", file, overwrite: true);
    }
}
