using System.Globalization;
using System.Text.RegularExpressions;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>Reads PTX with one kernel, as far as ILGPU writes it and as tests write it by hand.</summary>
sealed class PtxParser
{
    /// <summary>Not 0, so that a null pointer is out of bounds.</summary>
    public const int FirstAddress = 1024;

    static readonly Regex Open = Statement(@"\{"), Close = Statement(@"\}"), Label = Statement(@"(\w+):"), Registers = Statement(@"\.reg\s+\.\w+\s+([^;]+);");
    static readonly Regex Shared = Statement(@"\.shared\s+\.align\s+(\d+)\s+\.b8\s+(\w+)\[(\d+)\];"), Local = Statement(@"\.local\s+\.align\s+(\d+)\s+\.b8\s+(\w+)\[(\d+)\];");
    static readonly Regex Operation = Statement(@"(?:@(!?)([\w%]+)\s+)?([^;]+);"); // negation and register of the guard, opcode and operands

    readonly string _text;
    readonly Dictionary<string, ulong> _symbols = [];
    readonly Stack<Dictionary<string, PtxRegister>> _scopes = [];
    readonly List<PtxInstruction> _instructions = [];
    readonly List<PtxLabel> _jumps = [];
    readonly Dictionary<string, int> _labels = [];
    int _at, _registers;

    PtxParser(string ptx) => _text = Regex.Replace(ptx.ReplaceLineEndings("\n"), "//[^\n]*", "");

    public static PtxProgram Parse(string ptx) => new PtxParser(ptx).Program();

    PtxProgram Program()
    {
        var head = Regex.Match(_text, @"\.visible \.entry (\w+)\((.*?)\)(.*?)(?=\{)", RegexOptions.Singleline);
        if (!head.Success) throw new PtxFault("there is no .visible .entry");
        var (parameters, parameterBytes) = Parameters(head.Groups[2].Value);
        int shared = 0, local = 0;
        _at = head.Index + head.Length;
        do
        {
            if (Take(Open, out _)) _scopes.Push([]);
            else if (Take(Close, out _)) _scopes.Pop();
            else if (Take(Label, out var label)) _labels.Add(label[0], _instructions.Count);
            else if (Take(Registers, out var names)) foreach (string name in names[0].Split(',')) DeclareRegisters(name.Trim());
            else if (Take(Shared, out var variable)) DeclareVariable(variable, ref shared);
            else if (Take(Local, out variable)) DeclareVariable(variable, ref local);
            else if (Take(Operation, out var operation)) _instructions.Add(Instruction(operation));
            else throw new PtxFault($"line {Line}: cannot read '{_text[_at..Math.Min(_at + 40, _text.Length)]}'");
        } while (_scopes.Count > 0);
        foreach (var jump in _jumps) jump.Target = _labels.TryGetValue(jump.Name, out int target) ? target : throw new PtxFault($"there is no {jump.Name}");
        var threads = Regex.Match(head.Groups[3].Value, @"\.maxntid (\d+), 1, 1");
        return new(head.Groups[1].Value, parameters, parameterBytes, shared, local, _registers, threads.Success ? Int(threads.Groups[1].Value) : 0, [.. _instructions]);
    }

    int Line => 1 + _text.AsSpan(0, _at).Count('\n');

    static Regex Statement(string pattern) => new(@"\G\s*" + pattern);

    bool Take(Regex statement, out string[] parts)
    {
        var match = statement.Match(_text, _at);
        parts = [.. match.Groups.Values.Skip(1).Select(g => g.Value)];
        if (match.Success) _at += match.Length;
        return match.Success;
    }

    (List<PtxParameter>, int Bytes) Parameters(string declarations)
    {
        var parameters = new List<PtxParameter>();
        int end = 0;
        foreach (Match p in Regex.Matches(declarations, @"\.param (?:\.align (\d+) )?\.[bfsu](\d+) (\w+)(?:\[(\d+)\])?"))
        {
            int bytes = p.Groups[4].Success ? Int(p.Groups[4].Value) : Int(p.Groups[2].Value) / 8, alignment = p.Groups[1].Success ? Int(p.Groups[1].Value) : bytes;
            int offset = (end + alignment - 1) / alignment * alignment;
            parameters.Add(new(p.Groups[3].Value, offset, bytes));
            _symbols.Add(p.Groups[3].Value, (ulong)offset);
            end = offset + bytes;
        }
        return (parameters, end);
    }

    void DeclareRegisters(string name)
    {
        var range = Regex.Match(name, @"^(.+)<(\d+)>$");
        if (!range.Success) _scopes.Peek().Add(name, new(_registers++));
        else for (int i = 0; i < Int(range.Groups[2].Value); i++) _scopes.Peek().Add(range.Groups[1].Value + i, new(_registers++));
    }

    /// <param name="variable">Alignment, name, bytes.</param>
    /// <param name="bytes">Of its space so far.</param>
    void DeclareVariable(string[] variable, ref int bytes)
    {
        int alignment = Int(variable[0]), offset = (bytes + alignment - 1) / alignment * alignment;
        _symbols.Add(variable[1], (ulong)(FirstAddress + offset));
        bytes = offset + Int(variable[2]);
    }

    PtxInstruction Instruction(string[] operation)
    {
        string text = Regex.Replace(operation[2], @"\s+", " ").Trim(), opcode = text.Split(' ')[0];
        var guard = operation[1].Length == 0 ? null : Operand(operation[1]);
        try
        {
            var (alone, together) = PtxInstructionSet.Bind(opcode, [.. Split(text[opcode.Length..]).Select(Operand)]);
            return new(guard is null ? text : $"@{operation[0]}{operation[1]} {text}", Line, guard, operation[0].Length == 0, alone, together);
        }
        catch (PtxFault fault)
        {
            throw new PtxFault($"line {Line}, {text}: {fault.Message}");
        }
    }

    /// <summary>At the commas that no bracket holds.</summary>
    static IEnumerable<string> Split(string operands) => Regex.Matches(operands, @"\{[^}]*\}|\[[^\]]*\]|[^,\s]+").Select(m => m.Value);

    PtxOperand Operand(string text)
    {
        if (text[0] == '{') return new PtxVector([.. text[1..^1].Split(',').Select(e => Operand(e.Trim()))]);
        if (Regex.Match(text, @"^\[([\w%]+)(?:\+(-?\d+))?\]$") is { Success: true } address)
            return new PtxAddress(Operand(address.Groups[1].Value), address.Groups[2].Success ? Int(address.Groups[2].Value) : 0);
        if (_scopes.Select(s => s.GetValueOrDefault(text)).FirstOrDefault(r => r is not null) is { } register) return register;
        if (_symbols.TryGetValue(text, out ulong symbol)) return new PtxConstant(symbol);
        if (text[0] == '%') return new PtxSpecial(Special(text));
        if (Regex.IsMatch(text, "^0[fd][0-9A-Fa-f]+$")) return new PtxConstant(ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        if (Regex.IsMatch(text, @"^-?\d+$")) return new PtxConstant((ulong)Int128.Parse(text, CultureInfo.InvariantCulture));
        var label = new PtxLabel(text);
        _jumps.Add(label);
        return label;
    }

    static Func<PtxThread, int> Special(string name) => name switch
    {
        "%tid.x" => t => t.Place.X,
        "%tid.y" => t => t.Place.Y,
        "%tid.z" => t => t.Place.Z,
        "%ntid.x" => t => t.Group.Size.X,
        "%ntid.y" => t => t.Group.Size.Y,
        "%ntid.z" => t => t.Group.Size.Z,
        "%ctaid.x" => t => t.Group.Place.X,
        "%ctaid.y" => t => t.Group.Place.Y,
        "%ctaid.z" => t => t.Group.Place.Z,
        "%nctaid.x" => t => t.Group.Launch.Grid.X,
        "%nctaid.y" => t => t.Group.Launch.Grid.Y,
        "%nctaid.z" => t => t.Group.Launch.Grid.Z,
        "%laneid" => t => t.Number % PtxGroup.WarpSize,
        _ => throw new PtxFault($"unknown register {name}"),
    };

    static int Int(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);
}
