using System.CommandLine;

namespace AlexNetActors.App;

/// <summary>alexnet completion: a script for a shell that asks the program itself, by its directive [suggest], what may come next.</summary>
static class CompletionCommand
{
    static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = """
            _alexnet() {
                local IFS=$'\n'
                COMPREPLY=($(compgen -W "$(alexnet "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _alexnet alexnet
            """,
        ["zsh"] = """
            _alexnet() {
                local -a words_there=("${(@f)$(alexnet "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
                compadd -a words_there
                _files
            }
            compdef _alexnet alexnet
            """,
        ["fish"] = """
            complete -c alexnet -a '(alexnet "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
            """,
    };

    public static Command Define()
    {
        var shell = new Argument<string>("SHELL") { Description = string.Join(", ", Scripts.Keys) };
        shell.CompletionSources.Add([.. Scripts.Keys]);
        var command = new Command("completion", "Prints what makes a shell complete this command: eval \"$(alexnet completion bash)\".") { shell };
        command.SetAction(p => Show(p.GetValue(shell)!));
        return command;
    }

    /// <summary>Whether these are the words with which a script asks: a command that is only half typed.</summary>
    public static bool Asks(string[] args) => args is [var first, ..] && first.StartsWith("[suggest", StringComparison.Ordinal);

    static int Show(string shell)
    {
        Console.Out.WriteLine(Scripts.TryGetValue(shell, out string? script) ? script : throw new UsageException($"there is no completion for '{shell}': use {string.Join(", ", Scripts.Keys)}"));
        return 0;
    }
}
